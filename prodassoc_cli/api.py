"""The six stages as Python functions, for notebooks: words, defaults, checks and results of the commands.

    from prodassoc_cli import clean, mine

    shop = clean("orders.csv", products="catalog.csv")
    rules = mine(shop.interactions, min_support=0.01).rules

A keyword is an option's name with underscores. What is read may be a path or a frame (of polars, or anything
that speaks Arrow). A call runs the same stage as the command, with frames in place of files.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, KINDS, MODEL, Kind
from prodassoc_cli.artifacts.store import (
    checked_rows,
    read_artifact,
    read_lineage,
    read_table,
    write_artifact,
)
from prodassoc_cli.declare import default_of, flag_of
from prodassoc_cli.errors import BadData, NothingToDo, ProdassocError, UsageProblem, did_you_mean
from prodassoc_cli.execution.frames import InMemory, remember_facts, remembered_facts
from prodassoc_cli.execution.run import Run
from prodassoc_cli.execution.targets import IN_MEMORY
from prodassoc_cli.settings import (
    CleanConfig,
    CommonConfig,
    EmbedConfig,
    EvaluateConfig,
    MineConfig,
    RecommendConfig,
    TrainConfig,
)
from prodassoc_cli.settings.check import checked_value
from prodassoc_cli.settings.naming import as_keywords
from prodassoc_cli.stages.clean import clean as clean_stage
from prodassoc_cli.stages.embed import embed as embed_stage
from prodassoc_cli.stages.evaluate import evaluate as evaluate_stage
from prodassoc_cli.stages.mine import mine as mine_stage
from prodassoc_cli.stages.recommend import recommend as recommend_stage
from prodassoc_cli.stages.train import train as train_stage
from prodassoc_cli.wording import number_of

Result = TypeVar("Result")
Stage = Callable[[Run, Sequence[str], Any], object]

NOT_HERE = {"format", "raw_csv", "dry_run", "config", "wait", "force"}
"""Options that say how a command line runs, or in which form it writes."""

_LISTS_OF_IDS = ("ids", "allow", "deny")
"""Options that name a file of ids, one per line."""


@dataclass(frozen=True)
class Cleaned:
    """What `clean` returns; None for what was not asked for.

    Attributes:
        interactions: what happened.
        products: the catalogue, with `products=` or `products_output=True`.
        rejects: rows left out and why, with `rejects_output=True`.
        holdout: rows set aside, with `holdout=`.
    """

    interactions: pl.DataFrame
    products: pl.DataFrame | None = None
    rejects: pl.DataFrame | None = None
    holdout: pl.DataFrame | None = None


@dataclass(frozen=True)
class Embedded:
    """What `embed` returns; None for what was not asked for.

    Attributes:
        embeddings: one vector per product.
        neighbours: the most similar products of each, with `neighbours=`.
        topics: topic and keywords of each product, with `topics=`, `keywords=` or `topics_output=True`.
        profiles: profiles of the users, with `interactions=`.
    """

    embeddings: pl.DataFrame
    neighbours: pl.DataFrame | None = None
    topics: pl.DataFrame | None = None
    profiles: pl.DataFrame | None = None


@dataclass(frozen=True)
class Mined:
    """What `mine` returns; None for what was not asked for.

    Attributes:
        rules: association rules; None with another `target=`.
        itemsets: frequent itemsets, with another `target=` or `itemsets_output=True`.
        relations: complements, substitutes and variants, with `relations_output=True`.
        outliers: an outlier score per basket, with `outliers_output=True`.
    """

    rules: pl.DataFrame | None = None
    itemsets: pl.DataFrame | None = None
    relations: pl.DataFrame | None = None
    outliers: pl.DataFrame | None = None


class Model:
    """A trained recommender.

    Args:
        path: a file that `prodassoc train` wrote.

    Attributes:
        path: its file; None where it is in memory only.
        name: name of the recommender.
        facts: what the fit found out.

    Raises:
        BadData: the file is not a model.
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Path | None = Path(path)
        lineage = read_lineage(self.path)
        if lineage is None or lineage.kind != MODEL.name or "model" not in lineage.details:
            raise BadData(f"{path} does not contain a model", "make it: train(interactions)")
        self._describe(lineage)
        self._rows: pa.Table | None = None

    @classmethod
    def _of(cls, rows: pa.Table, lineage: Lineage) -> Model:
        """Return a model that is in memory."""
        model = cls.__new__(cls)
        model.path, model._rows = None, rows
        model._describe(lineage)
        return model

    def _describe(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self.name = str(lineage.details["model"]["name"])
        self.facts: dict[str, Any] = dict(lineage.details["model"]["facts"])

    def save(self, path: str | Path) -> Model:
        """Write the model to a file, as `prodassoc train -o` would, and return it from there."""
        from prodassoc_cli.artifacts.outputs import Outputs

        with Outputs([Path(path)]) as files:
            if self.path is not None:
                files.file(Path(path)).write(self.path.read_bytes())
            else:
                write_artifact(self._table(), MODEL, self._lineage, files.file(Path(path)))
        return Model(path)

    def _table(self) -> pa.Table:
        """Return its arrays."""
        if self._rows is not None:
            return self._rows
        assert self.path is not None
        return read_table(self.path)[0]

    def _as_input(self, name: str) -> str:
        """Return what stands for it among the inputs of a stage."""
        if self.path is not None:
            return str(self.path)
        return InMemory(name, self._table(), self._lineage.details["model"])

    def __repr__(self) -> str:
        users, products = self.facts.get("users", 0), self.facts.get("products", 0)
        return f"<Model {self.name}: {number_of(users, 'user')}, {number_of(products, 'product')}>"


class _NotebookRun(Run):
    """A run whose results are returned.

    Attributes:
        results: the rows of each output, by its name, with what made them.
    """

    def __init__(self, command: str, config: Any, common: CommonConfig) -> None:  # noqa: ANN401
        super().__init__(command, config, common, as_keywords)
        self.results: dict[str, tuple[pl.DataFrame | pa.Table, Lineage]] = {}

    def keep(
        self, name: str, kind: Kind, rows: pl.DataFrame | pa.Table | Iterable[Any], facts: dict[str, Any]
    ) -> pl.DataFrame | pa.Table:
        """Keep the rows of an output, and return them."""
        whole = _whole(rows)
        kept = whole if kind is MODEL else checked_rows(whole, kind, kind.name)
        self.results[name] = kept, self.lineage(kind, facts)
        return whole


def _whole(rows: pl.DataFrame | pa.Table | Iterable[Any]) -> pl.DataFrame | pa.Table:
    """Return rows that may come one frame after another as one."""
    if isinstance(rows, pl.DataFrame | pa.Table):
        return rows
    parts = list(rows)
    return (
        pl.concat(parts, how="vertical_relaxed")
        if isinstance(parts[0], pl.DataFrame)
        else pa.concat_tables(parts)
    )


@dataclass(frozen=True)
class _Results:
    """What came of a call, by the names of the outputs.

    Attributes:
        rows: the rows of each output.
        lineage: what made the main output.
        files: the files of those that have one.
    """

    rows: dict[str, Any]
    lineage: Lineage
    files: dict[str, str]

    def named(self, main: str | None = None) -> dict[str, pl.DataFrame]:
        """Return the rows of all outputs, of the main one by its kind unless a name is given."""
        rows = dict(self.rows)
        rows[main or self.lineage.kind] = rows.pop("output")
        return rows

    def model(self) -> Model:
        """Return the main output as a model."""
        path = self.files.get("output")
        return Model(path) if path is not None else Model._of(self.rows["output"], self.lineage)


class _Call:
    """One call of a stage.

    Args:
        name: name of the stage.
        config: its config class.
    """

    def __init__(self, name: str, config: type[Any]) -> None:
        self._name, self._config = name, config
        self._options = {each.name: each for each in (*fields(config), *fields(CommonConfig))}

    def run(self, stage: Stage, inputs: Sequence[str], options: dict[str, Any]) -> _Results:
        """Run the stage, and return what came of it."""
        values = self._values(options)
        outputs = {name: value for name, value in values.items() if _is_output(name) and value}
        for name, path in outputs.items():
            if path != IN_MEMORY and Path(path).suffix.lower() not in ("", ".parquet"):
                raise UsageProblem(
                    f"{name}={path}: here files are Parquet", "write the frame that is returned"
                )
        config = self._config(**{each.name: values[each.name] for each in fields(self._config)})
        common = CommonConfig(**{each.name: values[each.name] for each in fields(CommonConfig)})
        run = _NotebookRun(self._name, config, common)
        try:
            with threadpool_limits(1, "blas"):  # a command line sees to that before numpy is imported
                stage(run, inputs, config)
        except NothingToDo:
            pass  # the files asked for are there, from the same run
        named = {name.removesuffix("_output"): path for name, path in outputs.items()}
        results = {name: run.results.get(name) or _read(path) for name, path in named.items()}
        rows, lineage = results["output"]
        if lineage.kind in (EMBEDDINGS.name, INTERACTIONS.name):
            remember_facts(rows, lineage.details)  # which encoder made them, what users did
        return _Results(
            {name: rows for name, (rows, _) in results.items()},
            lineage,
            {name: path for name, path in named.items() if path != IN_MEMORY},
        )

    def _values(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return every option of the stage: its default, or what is given, checked as on a command line."""
        known = self._options.keys() - NOT_HERE
        for name in options:
            if name not in known:
                raise UsageProblem(f"{self._name} has no option '{name}'", did_you_mean(name, known))
        given = {name: value for name, value in options.items() if value is not None}
        for name in list(given):
            for needed in self._options[name].metadata["setting"].needs:
                if _is_output(needed):  # a command line must say where it goes; here it is returned
                    given.setdefault(needed, True)
        given.setdefault("output", True)
        return {
            name: self._value(name, given[name]) if name in given else default_of(option)
            for name, option in self._options.items()
        }

    def _value(self, name: str, value: Any) -> Any:  # noqa: ANN401 — anything an option can be given as
        if _is_output(name):
            return IN_MEMORY if value is True else None if value is False else str(value)
        if name == "histories" and not isinstance(value, str | Path):
            named = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
            histories = [(str(each), list(map(str, products))) for each, products in named]
            return InMemory(
                name, pl.DataFrame(histories, {"id": pl.String, "products": pl.List(pl.String)}, orient="row")
            )
        if name in _LISTS_OF_IDS and not isinstance(value, str | Path):
            ids = value.to_series() if isinstance(value, pl.DataFrame) else value
            return InMemory(name, pl.DataFrame({"id": pl.Series(list(ids), dtype=pl.String)}))
        if _is_frame(value) or isinstance(value, Model):
            return _input(name, value)
        config = self._config if name in {each.name for each in fields(self._config)} else CommonConfig
        return checked_value(config, self._options[name], _as_option(value))


def _function(
    name: str,
    config: type[Any],
    input_name: str,
    stage: Stage,
    take: Callable[[_Results], Result],
    *,
    many: bool = False,
) -> Callable[..., Result]:
    """Return a stage as a function: keywords as its options are, results as `take` makes them."""

    def function(inputs: Any = None, /, **options: Any) -> Result:  # noqa: ANN401
        try:
            given = _inputs(input_name, inputs)
            if not many and len(given) != 1:
                raise UsageProblem(f"{name} takes one input, not {len(given)}", f"give one: {input_name}")
            return take(_Call(name, config).run(stage, given, options))
        except ProdassocError as error:
            error.message, error.hint = as_keywords(error.message), as_keywords(error.hint)
            raise

    options = [each for each in (*fields(config), *fields(CommonConfig)) if each.name not in NOT_HERE]
    signature = inspect.signature(function)
    keywords = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=default_of(each))
        for each in options
    ]
    first = next(iter(signature.parameters.values()))
    function.__signature__ = signature.replace(parameters=[first, *keywords])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = name
    meanings = (f"    {each.name}: {each.metadata['setting'].meaning} ({flag_of(each)})" for each in options)
    opening = f"{config.__doc__} The same as `prodassoc {name}`; results are returned."
    function.__doc__ = "\n".join([f"{opening}\n\nKeyword arguments:", *meanings])
    return function


def _inputs(name: str, inputs: Any) -> list[str]:  # noqa: ANN401 — a path, a frame, a model, or several
    if isinstance(inputs, Mapping):
        return [_input(str(each), value) for each, value in inputs.items()]
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return [_input(f"{name}-{number}", value) for number, value in enumerate(inputs, 1)]
    return [] if inputs is None else [_input(name, inputs)]


def _input(name: str, value: Any) -> str:  # noqa: ANN401 — a path, a frame or a model
    """Return the path of an input, or what stands for one in memory."""
    if isinstance(value, Model):
        return value._as_input(name)
    if not _is_frame(value):
        return str(value)
    rows = value.collect() if isinstance(value, pl.LazyFrame) else pl.DataFrame(value)
    return InMemory(name, rows, facts=remembered_facts(value))


def _is_output(name: str) -> bool:
    return name == "output" or name.endswith("_output")


def _is_frame(value: object) -> bool:
    return hasattr(value, "__arrow_c_stream__") or isinstance(value, pl.LazyFrame)


def _as_option(value: Any) -> Any:  # noqa: ANN401 — as it is given, as an option takes it
    """Return a value as options hold it: NAME=VALUE of a mapping, commas between the ids of a basket."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return [f"{name}={each}" for name, each in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [each if isinstance(each, str) else _joined(each) for each in value]
    return value


def _joined(value: Any) -> str:  # noqa: ANN401
    return ",".join(map(str, value)) if isinstance(value, Sequence) else str(value)


def _read(path: str) -> tuple[pl.DataFrame, Lineage]:
    """Return an output from its file, and what made it."""
    files = [each.path for each in locate([path])]
    lineage = read_lineage(files[0])
    assert lineage is not None
    return read_artifact(files, KINDS[lineage.kind])[0], lineage


def _evaluate(run: Run, inputs: Sequence[str], config: EvaluateConfig) -> None:
    evaluate_stage(run, inputs, config).check_requirements()


clean = _function(
    "clean", CleanConfig, "orders", clean_stage, lambda made: Cleaned(**made.named()), many=True
)
embed = _function(
    "embed", EmbedConfig, "products", embed_stage, lambda made: Embedded(**made.named("embeddings"))
)
mine = _function("mine", MineConfig, "interactions", mine_stage, lambda made: Mined(**made.named()))
train = _function("train", TrainConfig, "interactions", train_stage, _Results.model)
recommend = _function(
    "recommend", RecommendConfig, "model", recommend_stage, lambda made: made.rows["output"]
)
evaluate = _function(
    "evaluate", EvaluateConfig, "recs", _evaluate, lambda made: made.rows["output"], many=True
)
