"""The six stages as Python functions, for notebooks: words, defaults, checks and code of the commands.

    from prodassoc_cli import clean, mine

    shop = clean("orders.csv", products="catalog.csv")
    rules = mine(shop.interactions, min_support=0.01).rules

A keyword is an option's name with underscores. What is read may be a path or a frame (of polars, or anything
that speaks Arrow). A call is a run of the command: its inputs and results go through Parquet files in a
temporary folder, so the rows are those that the command line writes.
"""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import polars as pl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.artifacts.schemas import KINDS, MODEL, RULES
from prodassoc_cli.artifacts.store import read_artifact, read_lineage, write_artifact
from prodassoc_cli.commands import clean as clean_command
from prodassoc_cli.commands import embed as embed_command
from prodassoc_cli.commands import evaluate as evaluate_command
from prodassoc_cli.commands import mine as mine_command
from prodassoc_cli.commands import recommend as recommend_command
from prodassoc_cli.commands import train as train_command
from prodassoc_cli.commands.execution.run import NothingToDo
from prodassoc_cli.commands.options.build import cast_value
from prodassoc_cli.errors import BadData, ProdassocError, UsageProblem, did_you_mean
from prodassoc_cli.settings import (
    CleanConfig,
    CommonConfig,
    EmbedConfig,
    EvaluateConfig,
    MineConfig,
    RecommendConfig,
    TrainConfig,
    flag_of,
)
from prodassoc_cli.settings.naming import as_keywords

if TYPE_CHECKING:
    from typer import _click as click

    from prodassoc_cli.commands.options.build import Body

Result = TypeVar("Result")

NOT_HERE = {"format", "raw_csv", "dry_run", "config", "wait", "force"}
"""Options that say how a command line runs, or in which form it writes."""

_LISTS_OF_IDS = ("ids", "allow", "deny")
"""Options that name a file of ids, one a line."""

_IMPLIED = {
    "products": ("clean", "products_output"),
    "holdout": ("clean", "holdout_output"),
    "neighbours": ("embed", "neighbours_output"),
    "topics": ("embed", "topics_output"),
    "keywords": ("embed", "topics_output"),
    "interactions": ("embed", "profiles_output"),
}
"""Option → the output that its command wants to be told along with it; here it comes with the result."""


@dataclass(frozen=True)
class Cleaned:
    """What `clean` gives back; None for what was not asked for.

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
    """What `embed` gives back; None for what was not asked for.

    Attributes:
        embeddings: a vector a product.
        neighbours: the products most like each, with `neighbours=`.
        topics: topic and keywords of each product, with `topics=`, `keywords=` or `topics_output=True`.
        profiles: who each user is, with `interactions=`.
    """

    embeddings: pl.DataFrame
    neighbours: pl.DataFrame | None = None
    topics: pl.DataFrame | None = None
    profiles: pl.DataFrame | None = None


@dataclass(frozen=True)
class Mined:
    """What `mine` gives back; None for what was not asked for.

    Attributes:
        rules: association rules; None with another `target=`.
        itemsets: frequent sets, with another `target=` or `itemsets_output=True`.
        relations: complements, substitutes and variants, with `relations_output=True`.
        outliers: baskets by how unusual they are, with `outliers_output=True`.
    """

    rules: pl.DataFrame | None = None
    itemsets: pl.DataFrame | None = None
    relations: pl.DataFrame | None = None
    outliers: pl.DataFrame | None = None


class Model:
    """A trained recommender: a model file, on disk or in a temporary folder of its own.

    Args:
        path: a file that `prodassoc train` wrote.

    Attributes:
        path: where it lies.
        name: which recommender it is.
        facts: what the fit found out.

    Raises:
        BadData: the file is no model.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        lineage = read_lineage(self.path)
        if lineage is None or lineage.kind != MODEL.name or "model" not in lineage.details:
            raise BadData(f"{path} carries no model", "make it: train(interactions)")
        self.name = str(lineage.details["model"]["name"])
        self.facts: dict[str, Any] = dict(lineage.details["model"]["facts"])
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def _kept(cls, made: Path) -> Model:
        """Return a model in a folder that goes when the model does."""
        folder = tempfile.TemporaryDirectory(prefix="prodassoc-")
        kept = cls(shutil.move(made, Path(folder.name) / "model.parquet"))
        kept._folder = folder
        return kept

    def save(self, path: str | Path) -> Model:
        """Write the model to a file, as `prodassoc train -o` would, and return it from there."""
        from prodassoc_cli.artifacts.outputs import Outputs

        with Outputs([Path(path)]) as files:
            files.file(Path(path)).write(self.path.read_bytes())
        return Model(path)

    def __repr__(self) -> str:
        users, products = self.facts.get("users", 0), self.facts.get("products", 0)
        return f"<Model {self.name}: {users:,} users, {products:,} products>"


@dataclass(frozen=True)
class _Common(CommonConfig):
    """The common options of a call: what comes next is the caller's to know."""

    from_shell: ClassVar[bool] = False


@dataclass(frozen=True)
class _Made:
    """The files of a call: `output`, and further ones by their option's name; some lie in its folder."""

    files: dict[str, Path]
    folder: Path

    def frame(self, name: str) -> pl.DataFrame:
        """Return one result."""
        return read_artifact(self._parts(name), KINDS[self._kind(name)])[0]

    def frames(self, **others: str) -> dict[str, pl.DataFrame]:
        """Return all results by the names of their outputs, the main one by its kind or a word for that."""
        kind = self._kind("output")
        names = {name: name.removesuffix("_output") for name in self.files} | {
            "output": others.get(kind, kind)
        }
        return {names[name]: self.frame(name) for name in self.files}

    def model(self) -> Model:
        """Return the main result as a model."""
        path = self.files["output"]
        return Model._kept(path) if path.is_relative_to(self.folder) else Model(path)

    def _kind(self, name: str) -> str:
        lineage = read_lineage(self._parts(name)[0])
        assert lineage is not None
        return lineage.kind

    def _parts(self, name: str) -> list[Path]:
        return [each.path for each in locate([str(self.files[name])])]


class _Call:
    """One call of a stage: its options, and the files it reads and writes.

    Args:
        stage: name of the command.
        config: its config class.
        folder: where frames and results lie meanwhile.
    """

    def __init__(self, stage: str, config: type[Any], folder: Path) -> None:
        self._stage, self._config = stage, config
        self._folder, self._given = folder, folder / "given"
        self._parameters = _parameters(stage)

    def run(self, body: Body, inputs: Any, options: dict[str, Any]) -> _Made:  # noqa: ANN401
        """Run the command, and return what it made."""
        values = self._values(options)
        results = {name: Path(value) for name, value in values.items() if _is_output(name) and value}
        for name, path in results.items():
            if path.suffix.lower() not in ("", ".parquet"):
                raise UsageProblem(
                    f"{name}={path}: here files are Parquet", "write the frame that comes back"
                )
        config = self._config(**{each.name: values[each.name] for each in fields(self._config)})
        common = _Common(**{each.name: values[each.name] for each in fields(CommonConfig)})
        try:
            with threadpool_limits(1, "blas"):  # a command line sees to that before numpy is imported
                body(self._inputs(inputs), config, common)
        except NothingToDo:
            pass  # the files asked for are there, from the same run
        except ProdassocError as error:
            for folder in (self._given, self._folder):
                error.message = error.message.replace(f"{folder}/", "")
            error.message, error.hint = as_keywords(error.message), as_keywords(error.hint)
            raise
        return _Made(results, self._folder)

    def _values(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return every option of the command: its default, or what is given, checked as in a command line."""
        for name in options:
            if name not in self._parameters or name in NOT_HERE:
                known = set(self._parameters) - NOT_HERE
                raise UsageProblem(f"{self._stage} has no option '{name}'", did_you_mean(name, known))
        given = {name: value for name, value in options.items() if value is not None}
        for name, (stage, output) in _IMPLIED.items():
            if stage == self._stage and name in given:
                given.setdefault(output, True)
        given.setdefault("output", True)
        values = {}
        for config in (self._config, CommonConfig):
            standard = config()
            for each in fields(config):
                value = given.get(each.name)
                default = getattr(standard, each.name)
                values[each.name] = default if value is None else self._value(each.name, value)
        return values

    def _value(self, name: str, value: Any) -> Any:  # noqa: ANN401 — anything an option can be given as
        if _is_output(name):
            path = self._folder / f"{name}.parquet" if value is True else value
            return None if value is False else str(path)
        if name in _LISTS_OF_IDS and not isinstance(value, str | Path):
            ids = value.to_series() if isinstance(value, pl.DataFrame) else value
            path = self._folder / f"{name}.txt"
            path.write_text("".join(f"{each}\n" for each in ids), encoding="utf-8")
            return str(path)
        if _is_frame(value) or isinstance(value, Model):
            return self._file(name, value)
        parameter = self._parameters[name]
        return cast_value(parameter, _words(value, many=getattr(parameter, "multiple", False)), name)

    def _inputs(self, inputs: Any) -> list[str]:  # noqa: ANN401 — a path, a frame, a model, or several
        argument = next(each for each in self._parameters.values() if each.param_type_name == "argument")
        name = str(argument.name)
        if isinstance(inputs, Mapping):
            found = [self._file(each, frame) for each, frame in inputs.items()]
        elif isinstance(inputs, Sequence) and not isinstance(inputs, str):
            found = [self._file(f"{name}-{number}", each) for number, each in enumerate(inputs, 1)]
        else:
            found = [] if inputs is None else [self._file(name, inputs)]
        if argument.nargs == 1 and len(found) != 1:
            raise UsageProblem(f"{self._stage} takes one input, not {len(found)}", f"give one: {name}")
        return found

    def _file(self, name: str, value: Any) -> str:  # noqa: ANN401 — a path, a frame or a model
        """Return the file of what is given; a frame is written to one of that name."""
        if isinstance(value, Model):
            return str(value.path)
        if not _is_frame(value):
            return str(value)
        frame = value.collect() if isinstance(value, pl.LazyFrame) else pl.DataFrame(value)
        path = self._given / f"{Path(name).name}.parquet"
        path.parent.mkdir(exist_ok=True)
        if "antecedent" in frame.columns:  # a list of recommendations needs no word of what it is
            with path.open("wb") as stream:
                write_artifact(frame, RULES, Lineage(RULES.name, "mine", {}, 0, ()), stream)
        else:
            frame.write_parquet(path)
        return str(path)


def _call(
    stage: str, config: type[Any], body: Body, take: Callable[[_Made], Result]
) -> Callable[..., Result]:
    """Return a stage as a function: keywords as its options are, results as `take` makes them."""

    def function(inputs: Any = None, /, **options: Any) -> Result:  # noqa: ANN401
        with tempfile.TemporaryDirectory(prefix="prodassoc-") as folder:
            return take(_Call(stage, config, Path(folder)).run(body, inputs, options))

    options = [each for each in (*fields(config), *fields(CommonConfig)) if each.name not in NOT_HERE]
    signature = inspect.signature(function)
    standard = {**vars(config()), **vars(CommonConfig())}
    keywords = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=standard[each.name])
        for each in options
    ]
    first = next(iter(signature.parameters.values()))
    function.__signature__ = signature.replace(parameters=[first, *keywords])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = stage
    meanings = (f"    {each.name}: {each.metadata['setting'].meaning} ({flag_of(each)})" for each in options)
    opening = f"{config.__doc__} The same as `prodassoc {stage}`; results are returned."
    function.__doc__ = "\n".join([f"{opening}\n\nKeyword arguments:", *meanings])
    return function


@cache
def _parameters(stage: str) -> dict[str, click.Parameter]:
    """Return the options of a command as its command line checks them."""
    import typer

    from prodassoc_cli.app import app

    group: Any = typer.main.get_command(app)
    return {str(each.name): each for each in group.commands[stage].params if each.name != "version"}


def _is_output(name: str) -> bool:
    return name == "output" or name.endswith("_output")


def _is_frame(value: object) -> bool:
    return hasattr(value, "__arrow_c_stream__") or isinstance(value, pl.LazyFrame)


def _words(value: Any, *, many: bool) -> Any:  # noqa: ANN401 — as it is given, as an option takes it
    """Return a value as its option takes it: NAME=VALUE of a mapping, commas between the ids of a basket."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return [f"{name}={each}" for name, each in value.items()]
    if many:
        several = [value] if isinstance(value, str) else list(value)
        return [each if isinstance(each, str) else ",".join(map(str, each)) for each in several]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return value


clean = _call("clean", CleanConfig, clean_command.run, lambda made: Cleaned(**made.frames()))
embed = _call(
    "embed", EmbedConfig, embed_command.run, lambda made: Embedded(**made.frames(codes="embeddings"))
)
mine = _call("mine", MineConfig, mine_command.run, lambda made: Mined(**made.frames()))
train = _call("train", TrainConfig, train_command.run, lambda made: made.model())
recommend = _call("recommend", RecommendConfig, recommend_command.run, lambda made: made.frame("output"))
evaluate = _call("evaluate", EvaluateConfig, evaluate_command.run, lambda made: made.frame("output"))
