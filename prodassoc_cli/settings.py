"""Every option of every stage, declared once: name, default, bounds, meaning.

The command line, the environment variables, `prodassoc.toml`, the help texts and the artifacts' lineage
all derive from these classes (`prodassoc_cli.commands.options` does it). Plain Python on purpose: no
heavy import, so that `--help` stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal


@dataclass(frozen=True)
class Setting:
    """What is known of one option beside its type and default.

    Attributes:
        meaning: one line for the help.
        group: heading it stands under in the help.
        metavar: word for its value in the help.
        low: smallest value allowed.
        high: largest value allowed.
        flag: its flags where they are not `--name-with-dashes`.
        result: whether it decides what is written. Only such options enter the lineage;
            where a file goes, how many threads work or what is shown does not.
    """

    meaning: str
    group: str = "Options"
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    flag: str | None = None
    result: bool = True


def setting(default: Any, meaning: str, **details: Any) -> Any:  # noqa: ANN401 — as dataclasses.field is typed
    """Declare a field of a stage's config: its default and its `Setting`."""
    metadata = {"setting": Setting(meaning, **details)}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def result_parameters(config: object) -> dict[str, Any]:
    """Return the options of a config that decide what is written, for the lineage."""
    return {
        each.name: getattr(config, each.name)
        for each in fields(config)  # type: ignore[arg-type]
        if each.metadata["setting"].result
    }


_FILE = {"metavar": "FILE", "result": False}
_ENGINE = {"group": "Engine", "result": False}

Format = Literal["parquet", "csv", "jsonl", "table"]
Layout = Literal["auto", "lines", "baskets", "list", "onehot", "fimi", "ratings"]
Preset = Literal["uci", "instacart", "ga4", "personalize", "recbole", "movielens"]
Event = Literal["purchase", "view", "cart", "rating", "review", "impression", "click", "dismiss"]


@dataclass(frozen=True)
class CommonConfig:
    """Options that every command has."""

    output: str | None = setting(None, "Where to write; - is standard output", flag="-o/--output", **_FILE)
    format: Format | None = setting(
        None, "Format of the output [default: by its suffix; a table on a terminal]", result=False
    )
    raw_csv: bool = setting(
        False, "Leave CSV texts that a spreadsheet would take for formulas as they are", result=False
    )
    summary: str | None = setting(None, "Write the run's summary as JSON", **_FILE)
    metrics_file: str | None = setting(
        None, "Write the run's figures for Prometheus' textfile collector", metavar="FILE.prom", result=False
    )
    threads: int | None = setting(
        None, "Threads to use [default: all cores]", metavar="N", low=1, high=1024, result=False
    )
    memory_limit: str | None = setting(
        None,
        "Memory the run may use, such as 8GB [default: 75% of what is free]",
        metavar="SIZE",
        result=False,
    )
    seed: int = setting(42, "Seed of everything random", metavar="N", low=0, high=2**31 - 1)
    force: bool = setting(False, "Run even if the output is up to date", result=False)
    wait: float = setting(
        0.0, "Wait this long for another run that writes the same output", metavar="SECONDS", low=0.0,
        result=False,
    )  # fmt: skip
    dry_run: bool = setting(False, "Say what would be read, done and written, and stop", result=False)
    quiet: bool = setting(False, "Say nothing but errors", flag="-q/--quiet", result=False)
    verbose: bool = setting(False, "Say more; show tracebacks", flag="-v/--verbose", result=False)
    log_format: Literal["text", "json"] = setting(
        "text", "Form of what is said on standard error", result=False
    )
    config: str | None = setting(
        None, "Read defaults from this TOML file [default: prodassoc.toml if there]", **_FILE
    )


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Options of the commands that can run on a cluster."""

    engine: Literal["local", "spark"] = setting("local", "Where it runs", **_ENGINE)
    master: str = setting(
        "local[*]", "Spark's master: local[2], spark://host:7077, sc://host:15002", metavar="URL", **_ENGINE
    )
    spark_conf: list[str] = setting(
        [], "A setting of Spark: spark.executor.memory=2g (repeatable)", metavar="NAME=VALUE", **_ENGINE
    )


@dataclass(frozen=True)
class CleanConfig:
    """Raw order lines → interactions (and a catalogue → products)."""

    map: list[str] = setting(
        [], "Name a column yourself: order_id=InvoiceNo (repeatable)", group="Reading", metavar="FIELD=COLUMN"
    )
    preset: Preset | None = setting(None, "Columns and rules of a known export", group="Reading")
    layout: Layout = setting("auto", "How baskets are laid out in the file", group="Reading")
    delimiter: str | None = setting(
        None, "Field delimiter [default: detected]", group="Reading", metavar="CHAR"
    )
    encoding: str | None = setting(None, "Text encoding [default: detected]", group="Reading", metavar="NAME")
    dayfirst: bool | None = setting(
        None, "Dates are day/month (or month/day) where the data leave it open", group="Reading",
        flag="--dayfirst/--monthfirst",
    )  # fmt: skip
    event: Event | None = setting(
        None, "Event of rows that carry none [default: purchase, or rating]", group="Reading"
    )
    products: str | None = setting(
        None, "Catalogue to clean along", group="Catalogue", metavar="FILE", result=False
    )
    products_output: str | None = setting(None, "Where products go", group="Catalogue", **_FILE)
    rejects_output: str | None = setting(
        None, "Where left-out rows go, with reasons", group="Cleaning", **_FILE
    )
    drop_outliers: bool = setting(False, "Leave out outliers of price and quantity", group="Cleaning")
    service_codes: str | None = setting(
        None, "Regular expression of codes that are no products [default: POSTAGE and the like]",
        group="Cleaning", metavar="REGEX",
    )  # fmt: skip
    min_item_count: int = setting(
        1, "Leave out products with fewer rows, over and over", group="Cleaning", metavar="N", low=1
    )
    min_user_count: int = setting(
        1, "Leave out users with fewer rows, over and over", group="Cleaning", metavar="N", low=1
    )
    pseudonymize_key_file: str | None = setting(
        None, "Replace user ids by keyed hashes (HMAC-SHA-256)", group="Privacy", **_FILE
    )
    drop_users: bool = setting(False, "Leave user ids out of everything that is written", group="Privacy")
    holdout: str | None = setting(
        None, "Set rows aside for evaluation: last-order, last-item, time:FRACTION, random:FRACTION",
        group="Holdout", metavar="SPLIT",
    )  # fmt: skip
    holdout_output: str | None = setting(None, "Where the rows set aside go", group="Holdout", **_FILE)


@dataclass(frozen=True)
class EmbedConfig:
    """Products → embeddings."""

    encoder: Literal["auto", "onnx", "tfidf"] = setting(
        "auto",
        "What makes the vectors; auto takes the model unless it cannot read the texts",
        group="Encoder",
    )
    model: str | None = setting(
        None,
        "ONNX model folder [default: all-MiniLM-L6-v2, in the package]",
        group="Encoder",
        metavar="DIR",
        result=False,
    )
    text: str = setting(
        "{title} {brand} {category} {description}",
        "Text of a product, from its columns",
        group="Text",
        metavar="TEMPLATE",
    )
    max_tokens: int | None = setting(
        None,
        "Cut texts after this many tokens [default: the model's limit]",
        group="Text",
        metavar="N",
        low=4,
    )
    dims: int | None = setting(None, "Keep the first N dimensions", group="Encoder", metavar="N", low=2)
    cache: str | None = setting(
        None, "Keep vectors here; encode only new and changed texts", group="Encoder", metavar="DIR",
        result=False,
    )  # fmt: skip
    device: Literal["cpu", "cuda"] = setting("cpu", "Where the model runs", group="Encoder")
    provider: str | None = setting(
        None, "onnxruntime provider, instead of --device: OpenVINO, …", group="Encoder", metavar="NAME"
    )
    output_precision: Literal["f32", "f16", "int8", "binary"] = setting(
        "f32", "How vectors are stored; int8 and binary are for vector databases", group="Encoder"
    )
    vectors: str | None = setting(
        None, "Vectors of your own (images, audio): product_id, embedding", group="Own vectors", **_FILE
    )
    vectors_mode: Literal["concat", "average"] = setting(
        "concat", "How they are joined with those of the texts", group="Own vectors"
    )
    vectors_weight: float = setting(
        0.5, "Their share in the cosine of two products", group="Own vectors", metavar="FRACTION",
        low=0.0, high=1.0,
    )  # fmt: skip
    neighbours: int | None = setting(
        None, "Most similar products a product [default: 10]", group="Neighbours", metavar="K",
        low=1, high=10_000,
    )  # fmt: skip
    neighbours_output: str | None = setting(None, "Where they go", group="Neighbours", **_FILE)
    topics_output: str | None = setting(
        None, "Where topics and keywords of the products go", group="Topics", **_FILE
    )
    topics: int | None = setting(
        None, "Number of topics [default: √(products/2), at most 200]", group="Topics", metavar="N",
        low=1, high=10_000,
    )  # fmt: skip
    keywords: int | None = setting(
        None, "Keyphrases a product; 0 for none [default: 5]", group="Topics", metavar="N", low=0, high=100
    )
    interactions: str | None = setting(
        None, "Interactions, to make profiles of the users", group="Profiles", **_FILE
    )
    profiles_output: str | None = setting(None, "Where the profiles go", group="Profiles", **_FILE)
    half_life: float = setting(
        90.0, "After so many days an interaction counts half", group="Profiles", metavar="DAYS", low=0.001
    )


@dataclass(frozen=True)
class MineConfig(EngineConfig):
    """Interactions → association rules, or itemsets."""

    target: Literal["rules", "frequent", "closed", "maximal"] = setting(
        "rules", "What to find", group="Search"
    )
    algorithm: Literal["auto", "apriori", "fp-growth", "eclat"] = setting(
        "auto", "How; all give the same result", group="Search"
    )
    min_support: float | None = setting(
        None, "Least share of baskets, such as 0.01 [default: 0.005, but at least 3 baskets]",
        group="Search", metavar="FRACTION", low=0.0, high=1.0,
    )  # fmt: skip
    min_count: int | None = setting(
        None, "Least number of baskets, instead of --min-support", group="Search", metavar="N", low=1
    )
    max_size: int | None = setting(None, "Most products in a set", group="Search", metavar="N", low=1)
    max_basket_size: int | None = setting(
        None, "Leave out baskets with more products", group="Search", metavar="N", low=1
    )
    min_confidence: float = setting(
        0.1, "Least confidence of a rule", group="Rules", metavar="FRACTION", low=0.0, high=1.0
    )
    min_lift: float = setting(1.0, "Least lift of a rule", group="Rules", metavar="X", low=0.0)
    max_consequent: int = setting(
        1, "Most products on the right of a rule", group="Rules", metavar="N", low=1
    )
    sort_by: str = setting("lift", "Measure to sort by, best first", group="Rules", metavar="MEASURE")
    top: int | None = setting(None, "Keep the first N", group="Rules", metavar="N", low=1)
    products: str | None = setting(None, "Products, to show titles in tables", group="Rules", **_FILE)
    itemsets_output: str | None = setting(None, "Where the frequent itemsets go", group="Rules", **_FILE)


ModelName = Literal["hybrid", "popularity", "content", "user-knn", "item-knn", "rules", "mf"]


@dataclass(frozen=True)
class TrainConfig:
    """Interactions → a recommendation model."""

    model: ModelName = setting("hybrid", "Which recommender", group="Model")
    param: list[str] = setting(
        [], "Set a parameter of the model: neighbours=200 (repeatable)", group="Model", metavar="NAME=VALUE"
    )
    products: str | None = setting(
        None, "Products: titles, brands, categories, prices", group="Inputs", **_FILE
    )
    embeddings: str | None = setting(None, "Embeddings of the products", group="Inputs", **_FILE)
    rules: str | None = setting(None, "Association rules", group="Inputs", **_FILE)


@dataclass(frozen=True)
class RecommendConfig:
    """A model → recommendations."""

    k: int = setting(10, "Products a list", flag="-k", metavar="N", low=1, high=10_000)
    for_: Literal["users", "products", "baskets"] = setting("users", "Whom the lists are for", flag="--for")
    ids: str | None = setting(None, "File of ids to make lists for, one a line [default: all]", **_FILE)
    basket: list[str] = setting([], "Products of a basket, comma-separated (repeatable)", metavar="A,B")
    include_seen: bool = setting(False, "Recommend what a user already bought too")
    where: list[str] = setting(
        [],
        "Only products with this value: category=Dairy (repeatable)",
        metavar="COLUMN=VALUE",
        group="Filters",
    )
    allow: str | None = setting(
        None, "File of the only product ids allowed, one a line", group="Filters", **_FILE
    )
    deny: str | None = setting(
        None, "File of product ids never to recommend, one a line", group="Filters", **_FILE
    )


@dataclass(frozen=True)
class EvaluateConfig:
    """Recommendations + a holdout → metrics."""

    truth: str | None = setting(None, "Interactions set aside by clean --holdout", group="Inputs", **_FILE)
    train: str | None = setting(
        None,
        "Interactions the model was trained on: for novelty, new products and the catalogue",
        group="Inputs",
        **_FILE,
    )
    products: str | None = setting(
        None, "Products: the catalogue that coverage is a share of", group="Inputs", **_FILE
    )
    k: str = setting("5,10,20", "Lengths to cut the lists to", flag="-k", metavar="N,N")
    baseline: str | None = setting(None, "Model the others are compared with", metavar="NAME")
    require: list[str] = setting(
        [], "Exit with 1 unless this holds: 'ndcg@10>=0.1' (repeatable)", metavar="BOUND", result=False
    )


@dataclass(frozen=True)
class InspectConfig:
    """Any artifact → what it is, what made it, and what is in it."""

    rows: int = setting(10, "Rows to show", metavar="N", low=0, high=10_000, result=False)


@dataclass(frozen=True)
class ExportConfig:
    """A BERT checkpoint → an ONNX model folder."""

    precision: Literal["fp32", "int8"] = setting("int8", "Precision of the weights")
