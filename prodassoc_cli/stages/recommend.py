"""A model → recommendations."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, MODEL, PRODUCTS, RECOMMENDATIONS
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from prodassoc_cli.execution.engine import engine, parts_of, shared_files
from prodassoc_cli.execution.run import Run
from prodassoc_cli.execution.targets import STDOUT
from prodassoc_cli.settings import RecommendConfig
from prodassoc_cli.stage import StageResult
from prodassoc_cli.stages.text_encoder import embedding_facts, encoder_of_embeddings, unread_products
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.parquet.partial_read import OpenArtifact
    from prodassoc_cli.engines.parts import PartsOf
    from prodassoc_cli.models.model import TrainedModel
    from prodassoc_cli.models.serving.histories import Encode, History
    from prodassoc_cli.models.serving.reasons.language import Language
    from prodassoc_cli.models.serving.recommend import Recommendations
    from prodassoc_cli.resemblance.scale import SimilarityScale


def recommend(run: Run, inputs: Sequence[str], config: RecommendConfig) -> None:
    """Make lists for users, for products, for baskets or for histories."""
    run.take("model", inputs)
    for role in ("ids", "allow", "deny"):
        _take_ids(run, role, getattr(config, role))
    run.take("products", config.products)
    run.take("embeddings", config.embeddings)
    run.take("reasons_file", config.reasons_file)
    if _answers_lines(run, config):
        _answer_lines(run, config)
        return
    run.take("histories", config.histories)
    with run.outputs(RECOMMENDATIONS) as outputs:
        model = _model(run, config)
        with engine(config) as spark, run.progress("making lists") as progress:
            means = "rating" if model.recommender.predicts_ratings else "rank"
            facts = {"model": model.name, "score": means}
            to_folder = spark is not None and outputs.folder("output") is not None
            into = parts_of(outputs, **facts) if to_folder and audience_of(config) != "baskets" else None
            asked = _asked(run, model, config)
            if asked["histories"] is not None:
                asked["encode"] = _encode_when_asked(run, model, config)
            made = _maker(run, spark, into)(model, **asked, progress=progress)
            if into is not None and into.parts:
                outputs.put_parts("output", into.check())
            else:
                first = next(made.frames)
                every = itertools.chain([first], made.frames)
                outputs.put(StageResult("output", every, facts, _with_titles(first, made.products)))
        for notice in made.notices:
            run.messages.warning(notice)
        run.note(made.counts)
        run.messages.info(
            f"{number_of(made.counts['lists'], 'list')}, {number_of(made.counts['rows'], 'recommendation')}"
        )


def _answers_lines(run: Run, config: RecommendConfig) -> bool:
    """Return whether lines of standard input are answered as they come."""
    to_people = run.common.output in (None, STDOUT) and run.common.format in (None, "jsonl")
    return config.histories == STDOUT and to_people and not run.common.dry_run


def _answer_lines(run: Run, config: RecommendConfig) -> None:
    """Answer each line of standard input by a line of standard output, until its end."""
    from prodassoc_cli.execution.lines import waiting_lines
    from prodassoc_cli.models.serving.histories import Answers
    from prodassoc_cli.models.serving.lister import ListOptions
    from prodassoc_cli.terminal.output import write_json_lines

    if sys.stdin is None:
        raise NoInput("standard input is closed", "give the histories as a file")
    model = _model(run, config)
    encode = _encode_when_asked(run, model, config)
    answers = Answers(model, ListOptions(**_list_options(run, model, config)), encode)
    for notice in answers.notices:
        run.messages.warning(notice)
    run.messages.info("ready: a list for each line")
    for lines in waiting_lines(sys.stdin.buffer):
        write_json_lines(answers.of(lines))


def _model(run: Run, config: RecommendConfig) -> TrainedModel:
    """Read the model; for baskets, only what their products take of it."""
    if run.in_memory["model"]:
        from prodassoc_cli.models.storage.artifact import from_arrow

        given = run.in_memory["model"][0]
        assert given.model is not None
        return from_arrow(given.rows, given.model)
    from concurrent.futures import ThreadPoolExecutor

    # Importing and reading take most of the time of one basket's answer: side by side, then.
    with run.opened("model", MODEL) as file, ThreadPoolExecutor(1) as pool, run.kernels():
        header = _header(file)
        few = [] if config.text else config.basket
        reading = pool.submit(_read_arrays, file, header, few)
        from prodassoc_cli.models.storage.artifact import family_of, from_arrays

        if not few:  # for a basket numpy is quicker than loading kernels
            from prodassoc_cli.models.kernels.dispatch import load_kernels

            load_kernels("reasons", *family_of(header).serve_kernels)
        arrays = reading.result()
    run.messages.step("read model", file.height)
    return from_arrays(arrays, header, for_kernels=not few)


def _maker(run: Run, spark: Any, into: PartsOf | None) -> Callable[..., Recommendations]:  # noqa: ANN401
    """Return what makes the lists: here, or in a cluster."""
    if spark is None:
        from prodassoc_cli.models.serving.recommend import recommend

        return recommend
    from prodassoc_cli.engines.recommending import recommend_on_spark

    path, *more = shared_files(run, "model", MODEL)
    if more:
        raise UsageProblem("`engine=spark` takes a model of one file", "train it again, into one file")
    return partial(recommend_on_spark, spark, path, into=into)


def _asked(run: Run, model: TrainedModel, config: RecommendConfig) -> dict[str, Any]:
    """Return what `serving.recommend` is to make, by its own names."""
    return {
        "audience": audience_of(config),
        "ids": _read_ids(run, "ids"),
        "baskets": [basket.split(",") for basket in config.basket],
        "histories": _asked_with_words(config) if config.text else _read_histories(run),
        **_list_options(run, model, config),
    }


def _list_options(run: Run, model: TrainedModel, config: RecommendConfig) -> dict[str, Any]:
    """Return what the lists are to be like, by the names of `ListOptions`."""
    return {
        "k": config.k,
        "include_seen": config.include_seen,
        "where": config.where,
        "allow": _read_ids(run, "allow"),
        "deny": _read_ids(run, "deny"),
        "products": run.read_optional("products", PRODUCTS, text=True),
        "embeddings": run.read_optional("embeddings", EMBEDDINGS),
        "diversity": config.diversity,
        "max_per_category": config.max_per_category,
        "relation": config.relation,
        "scale": _scale(run, model, config) if config.relation else None,
        "unread": _unread(run, model) if config.relation == "substitute" else None,
        "epsilon": config.explore,
        "seed": run.common.seed,
        "with_reasons": config.reasons,
        "reason_weights": config.reason_weights,
        "language": _language(run, config),
        "threads": run.threads,
    }


def _scale(run: Run, model: TrainedModel, config: RecommendConfig) -> SimilarityScale:
    """Return the similarities that relations are judged by: those of the vectors' encoder, unless given."""
    from prodassoc_cli.models.serving.todays_catalogue import vectors_of
    from prodassoc_cli.resemblance.scale import relation_scale, scale_of

    encoder = encoder_of_embeddings(run) or model.encoder
    if not run.is_given("embeddings") and ((vectors := vectors_of(model, None)) is None or not vectors.any()):
        return scale_of(None)  # there is nothing to compare
    bounds = config.variant_similarity, config.substitute_similarity
    return relation_scale(encoder, *bounds, run.messages.info, run.messages.warning)


def _unread(run: Run, model: TrainedModel) -> pl.Series | None:
    """Return the products whose titles the encoder of the vectors hardly reads."""
    facts = embedding_facts(run) if run.is_given("embeddings") else model.facts.get("text_encoder", {})
    return unread_products(run, facts, model.items.frame)


def _language(run: Run, config: RecommendConfig) -> Language:
    """Return the words of the reasons."""
    from prodassoc_cli.models.serving.reasons.language import Language

    own = run.files("reasons_file")
    return Language.of(config.language, own[0].path if own else None)


def audience_of(config: RecommendConfig) -> Literal["users", "products", "baskets"]:
    """Return what the lists are for."""
    return "baskets" if config.basket or config.histories or config.text else config.for_


def _header(file: OpenArtifact) -> dict[str, Any]:
    """Return what the file tells of its model.

    Raises:
        BadData: it holds no model.
    """
    header: dict[str, Any] = {} if file.lineage is None else file.lineage.details.get("model", {})
    if not header:
        raise BadData("the model file does not contain a model", "make it: `train interactions.parquet`")
    return header


def _read_arrays(file: OpenArtifact, header: dict[str, Any], baskets: Sequence[str]) -> dict[str, Any]:
    """Return the arrays of the model file; for baskets, what their products take of them.

    Raises:
        BadData: it is damaged.
    """
    from prodassoc_cli.models.storage.array_storage import as_bad_data, joined_apart, joined_for

    with as_bad_data(header):
        if baskets:
            products = [product for basket in baskets for product in basket.split(",")]
            return joined_for(products, file.read, header["arrays"], header["by_product"])
        return joined_apart(file.read, header["arrays"])


def _take_ids(run: Run, role: str, path: str | None) -> None:
    """Take a file of ids.

    Raises:
        NoInput: it does not exist; perhaps an id itself was given.
    """
    try:
        run.take(role, path)
    except NoInput as error:
        hint = (
            error.hint or f"it takes a file, one id a line; for one id: echo {path} | prodassoc … --{role} -"
        )
        raise NoInput(f"`{role}`: {error.message}", hint) from error


def _read_ids(run: Run, role: str) -> list[str] | None:
    """Read a file of ids, one per line; None where none was given.

    Raises:
        BadData: it is not UTF-8 text.
    """
    if run.in_memory[role]:
        return [str(each) for each in run.in_memory[role][0].rows["id"].to_list()]
    files = run.files(role)
    return [line for each in files for line in _lines(each.path) if line] if files else None


def _asked_with_words(config: RecommendConfig) -> list[History]:
    """Return the words asked with, each by itself, or one beside every basket.

    Raises:
        UsageProblem: several texts stand beside baskets.
    """
    from prodassoc_cli.models.serving.histories import History

    if not config.basket:
        return [History(str(number), text=text) for number, text in enumerate(config.text, 1)]
    if len(config.text) > 1:
        raise UsageProblem("several `text` beside a `basket`", "give one, or ask once for each")
    return [
        History(str(number), tuple(each.strip() for each in basket.split(",")), config.text[0])
        for number, basket in enumerate(config.basket, 1)
    ]


def _encode_when_asked(run: Run, model: TrainedModel, config: RecommendConfig) -> Encode:
    """Return what encodes words as the embeddings of the model were; it is loaded when words come."""
    from prodassoc_cli.models.serving.todays_catalogue import vectors_of

    loaded: list[Encode] = []

    def encode(texts: Sequence[str]) -> Any:  # noqa: ANN401 — texts × d of f32
        if not loaded:
            from prodassoc_cli.embedding.asked import encoder_of

            folder = Path(config.text_model) if config.text_model else None
            facts = model.facts.get("text_encoder", {}) if vectors_of(model, None) is not None else {}
            loaded.append(encoder_of(facts, folder, run.threads, run.messages.info, run.progress))
        return loaded[0](texts)

    return encode


def _read_histories(run: Run) -> list[History] | None:
    """Read the histories; None where none were given."""
    from prodassoc_cli.models.serving.histories import History, histories_of, read_histories

    if run.in_memory["histories"]:
        given = run.in_memory["histories"][0].rows
        return [History(str(name), tuple(map(str, products or ()))) for name, products in given.rows()]
    files = run.files("histories")
    if not files:
        return None
    from prodassoc_cli.artifacts.parquet.files import is_parquet

    if is_parquet(files[0].path):
        return histories_of(run.read("histories", INTERACTIONS))
    notices: list[str] = []
    lines = [line for each in files for line in _lines(each.path)]
    found = read_histories(lines[:-1] if lines and not lines[-1] else lines, notices)
    for notice in notices:
        run.messages.warning(notice)
    return found


def _lines(path: Path) -> list[str]:
    try:
        return [line.rstrip("\r") for line in path.read_text(encoding="utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not a text file of ids in UTF-8", "write one id a line") from error


def _with_titles(frame: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Return the lists as people read them: titles instead of ids, no scores beside reasons."""
    from prodassoc_cli.artifacts.titles import with_titles

    subject = frame.columns[0]
    columns = ["product_id"] + (["source_product_id"] if subject == "source_product_id" else [])
    shown = with_titles(frame.head(200), products, columns)
    names = {"product_id": "product", "source_product_id": "for_product"}
    last = "reason" if "reason" in frame.columns else "score"
    return shown.select(subject, "rank", "product_id", last).rename(names, strict=False)
