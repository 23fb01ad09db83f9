"""Every artifact kind, declared once: validation, `inspect` and the docs derive from here.

Plain Python on purpose: no polars, no pyarrow, so that `--help` may read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

SCHEMA_VERSION = "1.1"
"""MAJOR.MINOR of all kinds together: a new optional column raises MINOR, anything else MAJOR."""

Dtype = Literal["str", "i32", "i64", "f32", "f64", "datetime[us]", "list[str]", "vector[f32]"]

Event = Literal["purchase", "view", "cart", "rating", "review", "impression", "click", "dismiss"]
EVENTS: tuple[str, ...] = get_args(Event)
"""What an interaction row can be."""

HOLDOUT, FEEDBACK = "holdout", "feedback"
"""What interactions can be for beside training: to judge by, and a log of lists shown."""

RELATIONS = ("complement", "substitute", "variant")
"""How the two sides of a rule can be related."""

REASONS = (
    "popular", "bought together", "same buyers", "similar", "lookalikes", "taste", "bought again", "rated",
    "bought lately",
    "expected", "words",
)  # fmt: skip
"""What the reason for a recommendation can rest on."""


@dataclass(frozen=True)
class Column:
    """One column of an artifact.

    Attributes:
        name: its name in the file.
        dtype: its type, in this module's words; `vector[f32]` is a fixed-size list.
        meaning: one sentence for `inspect` and the docs.
        nullable: whether a value may be missing.
        optional: whether the column itself may be missing.
        values: the only values allowed; empty where any is.
    """

    name: str
    dtype: Dtype
    meaning: str
    nullable: bool = False
    optional: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of artifact.

    Attributes:
        name: the word stored in the file's metadata.
        meaning: one sentence for `inspect` and the docs.
        columns: the columns, in the order they are written.
        made_by: the command that writes it.
        open: whether further columns are kept as they come (they follow the declared ones).
        one_of: names of optional columns of which exactly one must be there.
        repeats: whether values come again and again, so that a dictionary of them makes the file smaller.
        coded: columns of texts of which a row group holds each many times: they are written as numbers, and
            those as a dictionary, sorted.
        by_time: whether rows stand in the order of their time, so that users are there in no order.
        rows_a_group: rows of a row group of the file; None for what is usual.
        splits_bytes: whether numbers in lists are written as all their first bytes, then all their second
            ones and so on: a smaller file, read faster, which not every reader of Parquet knows.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    made_by: str
    open: bool = False
    one_of: tuple[str, ...] = ()
    repeats: bool = True
    coded: tuple[str, ...] = ()
    by_time: bool = False
    rows_a_group: int | None = None
    splits_bytes: bool = False

    def column(self, name: str) -> Column | None:
        """Return the declared column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


INTERACTIONS = Kind(
    "interactions",
    "What users did with products: one row per basket line, a rating or another event.",
    (
        Column("user_id", "str", "Who; null for an anonymous basket", nullable=True),
        Column("order_id", "str", "Basket the row belongs to; null where there is none", nullable=True),
        Column("product_id", "str", "Product, as text: 00123 stays 00123"),
        Column("event", "str", "What happened", values=EVENTS),
        Column("quantity", "f64", "Units bought", nullable=True),
        Column("price", "f64", "Price of one unit", nullable=True),
        Column("rating", "f64", "The user's rating", nullable=True),
        Column("timestamp", "datetime[us]", "When, without a time zone", nullable=True),
        Column(
            "weight", "f64", "How much of it: times played, seconds watched", nullable=True, optional=True
        ),
        Column("list_id", "str", "List that was shown, in a feedback log", nullable=True, optional=True),
        Column("position", "i32", "Place in that list, from 1", nullable=True, optional=True),
        Column("model", "str", "Model that made that list", nullable=True, optional=True),
        Column("propensity", "f64", "Probability of showing this product here", nullable=True, optional=True),
        Column("revenue", "f64", "Revenue of a purchase from a list", nullable=True, optional=True),
    ),
    made_by="clean",
    coded=("product_id", "event"),
    by_time=True,
)

PRODUCTS = Kind(
    "products",
    "The catalogue: one row per product, with any further column it came with.",
    (
        Column("product_id", "str", "Product, unique"),
        Column("title", "str", "Name shown to people", nullable=True),
        Column("description", "str", "Longer text", nullable=True),
        Column("brand", "str", "Brand or maker", nullable=True),
        Column("category", "str", "Path from general to special: `Food > Dairy`", nullable=True),
        Column("price", "f64", "Price of one unit", nullable=True),
    ),
    made_by="clean --products",
    open=True,
)

REJECTS = Kind(
    "rejects",
    "Rows that cleaning left out, each with its reason.",
    (
        Column("source", "str", "File the row came from"),
        Column("row", "i64", "Number of the data row in it, from 1, the header not counted"),
        Column("reason", "str", "Name of the rule that left it out"),
        Column("raw", "str", "The row as text"),
    ),
    made_by="clean --rejects-output",
)

EMBEDDINGS = Kind(
    "embeddings",
    "One vector per product.",
    (
        Column("product_id", "str", "Product, unique"),
        Column("embedding", "vector[f32]", "Vector of Euclidean length 1"),
    ),
    made_by="embed",
    repeats=False,
    rows_a_group=1 << 15,  # 50 MB of vectors of 384 numbers
)

EMBEDDINGS_F16 = replace(EMBEDDINGS, columns=EMBEDDINGS.columns[:1], open=True)
"""Embeddings stored in half precision: the same kind, which every reader gets back as f32."""

CODES = Kind(
    "codes",
    "Embeddings in few bytes, for vector databases: int8, or bits in bytes (docs/conventions.md).",
    (Column("product_id", "str", "Product, unique"),),
    made_by="embed --output-precision",
    open=True,
    rows_a_group=EMBEDDINGS.rows_a_group,
)

NEIGHBOURS = Kind(
    "neighbours",
    "The products most like each product by their embeddings, exact.",
    (
        Column("product_id", "str", "Product"),
        Column("rank", "i32", "Place of the neighbour, from 1"),
        Column("neighbour_id", "str", "A product like it"),
        Column("similarity", "f64", "Cosine of the two embeddings"),
    ),
    made_by="embed --neighbours-output",
)

TOPICS = Kind(
    "topics",
    "What each product is about: its topic, and phrases of its text; in a topic the typical ones first.",
    (
        Column("topic", "i32", "Number of the topic, from 0, the largest first"),
        Column("label", "str", "Terms that set the topic apart"),
        Column("product_id", "str", "Product, unique"),
        Column("title", "str", "Name shown to people", nullable=True),
        Column("similarity", "f64", "Cosine to the topic's centre"),
        Column("keywords", "list[str]", "Phrases that say most about the product, best first"),
    ),
    made_by="embed --topics-output",
)

PROFILES = Kind(
    "profiles",
    "Who each user is: recency, frequency, monetary value, tastes in words and as a vector.",
    (
        Column("user_id", "str", "User, unique"),
        Column("last_seen", "datetime[us]", "Last purchase", nullable=True),
        Column("recency_days", "f64", "Days from it to the last time stamp in the data", nullable=True),
        Column("frequency", "i64", "Number of orders"),
        Column("monetary", "f64", "Money spent", nullable=True),
        Column("top_categories", "list[str]", "Categories of most weight"),
        Column("top_brands", "list[str]", "Brands of most weight"),
        Column("price_low", "f64", "Lower quartile of the prices paid", nullable=True),
        Column("price_high", "f64", "Upper quartile of the prices paid", nullable=True),
        Column(
            "price_band", "str", "Third of the category's price range the user buys in",
            nullable=True, values=("low", "middle", "high"),
        ),
        Column("keywords", "list[str]", "Phrases of the titles that tell the user from others"),
        Column("embedding", "vector[f32]", "Weighted mean of products' vectors, at length 1", nullable=True),
    ),
    made_by="embed --interactions --profiles-output",
)  # fmt: skip

ITEMSETS = Kind(
    "itemsets",
    "Sets of products found together in at least the minimum number of baskets.",
    (
        Column("items", "list[str]", "Products of the set, sorted"),
        Column("size", "i32", "Number of products in the set"),
        Column("count", "i64", "Baskets that contain them all"),
        Column("support", "f64", "count / number of baskets"),
    ),
    made_by="mine",
)

RULES = Kind(
    "rules",
    "Who buys the antecedent also buys the consequent.",
    (
        Column("antecedent", "list[str]", "Products on the left, sorted"),
        Column("consequent", "list[str]", "Products on the right, sorted"),
        Column("count", "i64", "Baskets with both sides, n(A∪B)"),
        Column("support", "f64", "n(A∪B) / n"),
        Column("confidence", "f64", "n(A∪B) / n(A)"),
        Column("lift", "f64", "confidence · n / n(B)"),
        Column("leverage", "f64", "support(A∪B) - support(A)·support(B)", optional=True, nullable=True),
        Column("conviction", "f64", "(1 - support(B)) / (1 - confidence)", optional=True, nullable=True),
        Column("jaccard", "f64", "n(A∪B) / (n(A) + n(B) - n(A∪B))", optional=True, nullable=True),
        Column("cosine", "f64", "support(A∪B) / √(support(A)·support(B))", optional=True, nullable=True),
        Column("kulczynski", "f64", "mean of the confidences both ways", optional=True, nullable=True),
        Column("zhang", "f64", "Zhang's measure of association, -1 to 1", optional=True, nullable=True),
        Column("p_value", "f64", "One-sided Fisher exact p-value", optional=True, nullable=True),
        Column("q_value", "f64", "p-value after correction", optional=True, nullable=True),
        Column("holdout_count", "i64", "Held-out baskets with both sides", optional=True),
        Column("holdout_support", "f64", "Their share of the held-out baskets", optional=True),
        Column(
            "holdout_confidence", "f64", "Confidence in the held-out baskets", optional=True, nullable=True
        ),
        Column("holdout_p_value", "f64", "Fisher's p-value in the held-out baskets", optional=True),
        Column("similarity", "f64", "Cosine of the sides' embeddings", optional=True, nullable=True),
        Column("relation", "str", "How the sides relate", optional=True, nullable=True, values=RELATIONS),
    ),
    made_by="mine",
    open=True,
)

RELATED_PRODUCTS = Kind(
    "relations",
    "Pairs of products that go together, replace each other or are one product in two forms.",
    (
        Column("product_id", "str", "Product"),
        Column("related_id", "str", "The other product"),
        Column("relation", "str", "How they relate", values=(*RELATIONS, "expected")),
        Column("similarity", "f64", "Cosine of their embeddings", nullable=True),
        Column("count", "i64", "Baskets with both; null where it is expected", nullable=True),
        Column("lift", "f64", "Times more often in one basket than by chance", nullable=True),
        Column("p_value", "f64", "One-sided Fisher exact p-value of that", nullable=True),
        Column("user_lift", "f64", "Times more often of one user than by chance", nullable=True),
        Column("user_p_value", "f64", "One-sided Fisher exact p-value of that", nullable=True),
        Column("expected_lift", "f64", "Lift that the factors and texts of both let expect", optional=True),
    ),
    made_by="mine --relations-output",
)

OUTLIERS = Kind(
    "outliers",
    "Baskets by how few frequent sets they fit, the most unusual first.",
    (
        Column("order_id", "str", "Order; null where the basket is a visit", optional=True, nullable=True),
        Column("user_id", "str", "Who", optional=True, nullable=True),
        Column("timestamp", "datetime[us]", "When", optional=True, nullable=True),
        Column("size", "i32", "Distinct products in the basket"),
        Column("itemsets", "i64", "Frequent sets it holds"),
        Column("score", "f64", "Sum of their supports over the number of frequent sets: low is unusual"),
    ),
    made_by="mine --outliers-output",
)

MODEL = Kind(
    "model",
    "A trained recommender: an array a column, cut into lists of many values; shapes in the metadata.",
    (),
    made_by="train",
    open=True,
    repeats=False,
    rows_a_group=1,
    splits_bytes=True,
)

RECOMMENDATIONS = Kind(
    "recommendations",
    "The best products for each user, basket or product, with reasons.",
    (
        Column("user_id", "str", "User the list is for", optional=True),
        Column("basket_id", "str", "Basket the list is for", optional=True),
        Column("source_product_id", "str", "Product the list is for", optional=True),
        Column("rank", "i32", "Place in the list, from 1"),
        Column("product_id", "str", "Recommended product"),
        Column("score", "f64", "The model's score; comparable within a list only"),
        Column("reason", "str", "Why, in a shopper's words", optional=True),
        Column("reason_kind", "str", "What the reason rests on", optional=True, values=REASONS),
        Column("reason_products", "list[str]", "Products of the history it names", optional=True),
        Column(
            "reason_weight",
            "f64",
            "How much lower the score is without these products in the history",
            optional=True,
            nullable=True,
        ),
        Column("propensity", "f64", "Probability of showing this product here", optional=True, nullable=True),
    ),
    made_by="recommend",
    open=True,
    one_of=("user_id", "basket_id", "source_product_id"),
)

METRICS = Kind(
    "metrics",
    "How good lists are, with 95 % intervals.",
    (
        Column("model", "str", "Which recommendations"),
        Column("metric", "str", "Name of the metric"),
        Column("k", "i32", "Length the lists were cut to; null where it has no meaning", nullable=True),
        Column("value", "f64", "The metric; null where undefined", nullable=True),
        Column("low", "f64", "Lower end of the 95 % interval", nullable=True),
        Column("high", "f64", "Upper end of the 95 % interval", nullable=True),
        Column("n", "i64", "Number of users (or ratings, products, rules, baskets, impressions) it is over"),
        Column("segment", "str", "Part it is over: `users: new`; null for all", nullable=True, optional=True),
    ),
    made_by="evaluate",
)

KINDS = {
    kind.name: kind
    for kind in (
        INTERACTIONS, PRODUCTS, REJECTS, EMBEDDINGS, CODES, NEIGHBOURS, TOPICS, PROFILES,
        ITEMSETS, RULES, RELATED_PRODUCTS, OUTLIERS, MODEL, RECOMMENDATIONS, METRICS,
    )
}  # fmt: skip
