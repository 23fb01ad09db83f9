"""What the recommenders learn from: the one place where product and user ids become dense integers.

Rows are users, columns are products, everywhere in this package. Ids are sorted as text, so that the order
of the integers is the order of the ids and a tie broken by the smaller integer is broken by product_id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.artifacts.frames import schema_of, with_absent
from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.errors import BadData
from prodassoc_cli.models.relevance import Relevance
from prodassoc_cli.models.weight_scale import WEIGHED, WeightScale
from prodassoc_cli.numerics.arrays import Doubles, Floats, Longs
from prodassoc_cli.numerics.indexing import aligned_vectors, index_of

Csr = sparse.csr_array

EVENT_WEIGHTS = {
    "purchase": 1.0, "review": 1.0, "rating": 1.0, "cart": 0.5, "click": 0.2, "view": 0.1, "dismiss": -1.0,
}  # fmt: skip
"""How much one event says that a user wants the product; that it was shown says nothing."""

Action = Literal["bought", "rated", "listened", "watched", "played", "viewed"]

OWNING_EVENTS = ("purchase", "review", "rating")
"""Events after which a product is no news to the user, as it is not after any that has a weight."""

_TWICE = 2
"""Dismissals after which a product never bought is not listed again: one may be a slip."""

NO_TIME = np.iinfo(np.int64).min
"""Stands for a missing timestamp among microseconds since 1970."""

ITEM_COLUMNS = schema_of(c for c in PRODUCTS.columns if c.name not in ("product_id", "description"))


@dataclass(frozen=True)
class Items:
    """The products in the order of their dense integers.

    Attributes:
        frame: product_id (sorted, unique), title, brand, category, price and further columns of the
            catalogue that a filter may name; a missing value is null.
    """

    frame: pl.DataFrame

    @classmethod
    def of(cls, ids: pl.Series, products: pl.DataFrame | None) -> Self:
        """Return the products of these ids (sorted, unique) with what the catalogue says of them."""
        return cls(_catalogue(ids, products))

    def __len__(self) -> int:
        return self.frame.height

    @cached_property
    def ids(self) -> pl.Series:
        """Product ids, sorted."""
        return self.frame["product_id"]

    @cached_property
    def names(self) -> pl.Series:
        """What to call each product before a shopper: its title, else its id."""
        return self.frame.select(pl.coalesce(pl.col("title").replace("", None), "product_id"))["title"]

    def index_of(self, ids: pl.Series) -> pl.Series:
        """Return the integer of each id, null where it is unknown."""
        return index_of(ids, self.ids)


@dataclass(frozen=True)
class RuleTable:
    """Association rules over dense integers.

    Attributes:
        antecedents: rules × items, 1 where a product stands on the left.
        consequents: rules × items, 1 where a product stands on the right.
        count: baskets with both sides.
        confidence: n(A∪B) / n(A).
        lift: confidence · n / n(B).
    """

    antecedents: Csr
    consequents: Csr
    count: Doubles
    confidence: Doubles
    lift: Doubles


@dataclass(frozen=True)
class TrainingData:
    """Interactions, catalogue, embeddings and rules over dense integers.

    Attributes:
        items: the products of interactions, catalogue and embeddings.
        users: user ids, sorted.
        events: one row an interaction: user and order (-1 where there is none), item, weight (f32, 0 for
            what shows no wish), owning (bool), rating (f32, null), timestamp (i64 µs, null).
        embeddings: n_items × d of f32, a row of zeros where a product has none; None without embeddings.
        rules: mined rules; None without.
        action: what users did with the products: bought, or else rated, or else viewed or played.
        relevance: which ratings are wishes.
    """

    items: Items
    users: pl.Series
    events: pl.DataFrame
    embeddings: Floats | None = None
    rules: RuleTable | None = None
    action: Action = "bought"
    relevance: Relevance = field(default_factory=Relevance)

    @classmethod
    def from_frames(
        cls,
        interactions: pl.DataFrame,
        products: pl.DataFrame | None = None,
        embeddings: pl.DataFrame | None = None,
        rules: pl.DataFrame | None = None,
        relevant_from: float | None = None,
        done: str = "",
    ) -> Self:
        """Index the frames of the artifacts interactions, products, embeddings and rules.

        A rating is a wish from `relevant_from` on, or above the middle of the scale seen. `done` is what
        users did with what they viewed, where that is known: one of `Action`.

        Raises:
            BadData: no interaction shows what anyone wants.
        """
        sources = [frame["product_id"] for frame in (interactions, products, embeddings) if frame is not None]
        ids = pl.concat([source.cast(pl.String) for source in sources]).unique().drop_nulls().sort()
        items = Items.of(ids, products)
        users = interactions["user_id"].cast(pl.String).unique().drop_nulls().sort()
        lines = numbered_lines(interactions, items.ids, users)
        scale = Relevance(relevant_from).wider(interactions)
        events = weighed_events(lines, scale, WeightScale().wider(interactions))
        check_wish(bool((events["weight"] > 0).any()))
        return cls(
            items,
            users,
            events,
            None if embeddings is None else aligned_vectors(embeddings, items.ids),
            None if rules is None else _rule_table(rules, items.ids),
            action_of(interactions["event"].unique(), done),
            scale,
        )

    @property
    def n_items(self) -> int:
        """Number of products."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.users.len()

    def with_events(self, events: pl.DataFrame) -> TrainingData:
        """Return the same products and users with other interactions (an inner split)."""
        return replace(self, events=events)

    @cached_property
    def weights(self) -> Csr:
        """Users × items: how much each user wants each product, event weights summed over orders.

        A dismissal takes back what one purchase says; what is not above 0 then is no wish.
        """
        telling = self.events.filter((pl.col("user") >= 0) & (pl.col("weight") != 0))
        pairs = telling.group_by("user", "item").agg(pl.col("weight").sum()).sort("user", "item")
        pairs = pairs.filter(pl.col("weight") > 0)
        return csr(pairs["user"], pairs["item"], pairs["weight"], (self.n_users, self.n_items))

    @cached_property
    def _owned(self) -> pl.DataFrame:
        owned = self.events.filter((pl.col("user") >= 0) & pl.col("owning"))
        pairs = owned.group_by("user", "item").agg(times=pl.len(), last=pl.col("timestamp").max())
        return pairs.sort("user", "item")

    @cached_property
    def seen(self) -> Csr:
        """Users × items: how often each user bought (or rated) each product."""
        pairs = self._owned
        return csr(pairs["user"], pairs["item"], pairs["times"], (self.n_users, self.n_items))

    @cached_property
    def last_seen(self) -> Longs:
        """Last time of each entry of `seen`, in its order: microseconds since 1970, or NO_TIME."""
        return self._owned["last"].fill_null(NO_TIME).to_numpy()

    @cached_property
    def dismissed(self) -> Csr | None:
        """Users × items, 1 where a user does not want to see a product; None if nobody minds any.

        That is one dismissed twice and never bought, or one whose latest rating is no wish.
        """
        opinions = self.events.filter((pl.col("user") >= 0) & ((pl.col("weight") < 0) | pl.col("owning")))
        pairs = opinions.group_by("user", "item").agg(
            pl.col("owning").any(),
            times=(pl.col("weight") < 0).sum(),
            rating=pl.col("rating").sort_by("timestamp", nulls_last=False).drop_nulls().last(),
        )
        disliked = pl.col("rating").is_not_null() & ~self.relevance.is_wish()
        refused = pairs.filter((pl.col("times") >= _TWICE) & ~pl.col("owning") | disliked).sort(
            "user", "item"
        )
        shape = (self.n_users, self.n_items)
        return csr(refused["user"], refused["item"], None, shape) if refused.height else None

    @cached_property
    def ratings(self) -> Csr | None:
        """Users × items of the latest explicit ratings; None where nobody rated."""
        rated = self.events.filter((pl.col("user") >= 0) & pl.col("rating").is_not_null())
        if rated.is_empty():
            return None
        latest = (
            rated.sort("user", "item", "timestamp", "rating", nulls_last=False)
            .group_by("user", "item", maintain_order=True)
            .agg(pl.col("rating").last())
        )
        return csr(latest["user"], latest["item"], latest["rating"], (self.n_users, self.n_items))

    @cached_property
    def _basket_lines(self) -> pl.DataFrame:
        lines = self.events.filter((pl.col("order") >= 0) & (pl.col("weight") > 0))
        return lines.select("order", "user", "item").unique().sort("order", "item")

    @cached_property
    def baskets(self) -> Csr | None:
        """Orders × items, 1 where a product is in an order, anonymous orders too; None without orders."""
        return self._orders(self._basket_lines)

    def _orders(self, lines: pl.DataFrame) -> Csr | None:
        if lines.is_empty():
            return None
        order = lines["order"].rank("dense").cast(pl.Int64) - 1
        return csr(order, lines["item"], None, (int(order[-1]) + 1, self.n_items))

    @cached_property
    def transactions(self) -> Csr:
        """What counts as bought together: the baskets, or each user's products where there are none."""
        return self.rows if self.baskets is None else self.baskets

    @cached_property
    def rows(self) -> Csr:
        """Users' weights with each anonymous order as one more row: what item–item models learn from."""
        if self.anonymous is None:
            return self.weights
        return csr_of(sparse.vstack([self.weights, self.anonymous], format="csr"))

    @cached_property
    def anonymous(self) -> Csr | None:
        """Orders × items, 1 where a product is in an order of nobody known; None without such orders."""
        return self._orders(self._basket_lines.filter(pl.col("user") < 0))


def csr(rows: pl.Series, columns: pl.Series, values: pl.Series | None, shape: tuple[int, int]) -> Csr:
    """Return a f32 CSR matrix from entries already sorted by row and column; None as values means ones."""
    counts = np.bincount(rows.to_numpy(), minlength=shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    data = np.ones(len(rows), np.float32) if values is None else values.to_numpy().astype(np.float32)
    return csr_of(sparse.csr_array((data, columns.to_numpy().astype(np.int32), indptr), shape=shape))


def csr_of(matrix: Any) -> Csr:  # noqa: ANN401 — any scipy sparse matrix
    """Return the matrix as CSR of f32 with sorted columns; itself where it is that."""
    if isinstance(matrix, sparse.csr_array) and matrix.dtype == np.float32 and matrix.has_sorted_indices:
        return matrix
    result = sparse.csr_array(matrix, dtype=np.float32)
    result.sort_indices()
    return result


def binary(matrix: Csr) -> Csr:
    """Return the pattern of the matrix: 1 where it has an entry."""
    if matrix.dtype == np.float32 and (matrix.data == 1).all():
        return matrix
    return sparse.csr_array(
        (np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )


def _catalogue(ids: pl.Series, products: pl.DataFrame | None) -> pl.DataFrame:
    frame = pl.DataFrame({"product_id": ids})
    if products is not None:
        # Descriptions are long and no filter names them: the model stays lean without.
        flat = [
            name
            for name, dtype in products.schema.items()
            if name not in ("product_id", "description") and not dtype.is_nested()
        ]
        known = products.select(pl.col("product_id").cast(pl.String), *flat)
        frame = frame.join(
            known.unique("product_id", keep="first", maintain_order=True), "product_id", "left"
        )
    further = [name for name in frame.columns if name not in ("product_id", *ITEM_COLUMNS)]
    return with_absent(frame, ITEM_COLUMNS).select(
        "product_id",
        *(pl.col(name).cast(dtype) for name, dtype in ITEM_COLUMNS.items()),
        *(pl.col(name).cast(pl.String) for name in further),
    )


def action_of(events: Iterable[str], done: str = "") -> Action:
    """Return what users did with the products, by the kinds of events there are.

    Args:
        events: they.
        done: what was done with products viewed, where that is known.
    """
    there = set(events)
    if there & {"purchase", "cart"}:
        return "bought"
    if there & {"rating", "review"}:
        return "rated"
    return next((action for action in get_args(Action) if action == done), "viewed")


def check_wish(found: bool) -> None:
    """Refuse interactions of which none shows what anyone wants (BadData)."""
    if not found:
        raise BadData(
            "the interactions show no purchase, cart, click, view or good rating to learn from",
            "give interactions made by `clean`",
        )


def numbered_lines(interactions: pl.DataFrame, items: pl.Series, users: pl.Series) -> pl.DataFrame:
    """Return interactions with dense integers for users (-1: nobody known) and items."""
    have = interactions.columns
    return interactions.select(
        user=index_of(interactions["user_id"], users).fill_null(-1),
        item=index_of(interactions["product_id"], items),
        event=pl.col("event").cast(pl.String),
        order_id=pl.col("order_id").cast(pl.String) if "order_id" in have else pl.lit(None, pl.String),
        rating=pl.col("rating").cast(pl.Float32) if "rating" in have else pl.lit(None, pl.Float32),
        weight=pl.col("weight").cast(pl.Float64) if "weight" in have else pl.lit(None, pl.Float64),
        timestamp=(
            pl.col("timestamp").cast(pl.Datetime("us")).dt.epoch("us")
            if "timestamp" in have
            else pl.lit(None, pl.Int64)
        ),
    )


def weighed_events(frame: pl.DataFrame, ratings: Relevance, weights: WeightScale) -> pl.DataFrame:
    """Return the events of numbered lines, see `TrainingData.events`."""
    liked = ratings.is_wish()
    weighed = (pl.col("event") == WEIGHED) & pl.col("weight").is_not_null()
    much = pl.when(weighed).then(weights.factor()).otherwise(1.0) if weights.count else pl.lit(1.0)
    weight = pl.col("event").replace_strict(EVENT_WEIGHTS, default=0.0, return_dtype=pl.Float32)
    is_order = pl.col("order_id").is_not_null()
    order = pl.struct("user", "order_id").rank("dense").cast(pl.Int32) - 1
    frame = frame.with_columns(
        weight=pl.when(liked).then(weight * much).otherwise(0.0).cast(pl.Float32),
        owning=pl.col("event").is_in(OWNING_EVENTS) | weighed,
        order=pl.when(is_order).then(order).otherwise(-1).cast(pl.Int32),
    )
    # A product on two lines of one order was bought once.
    in_orders = (
        frame.filter(is_order)
        .group_by("user", "order", "item", "event")
        .agg(
            pl.col("weight").max(), pl.col("owning").any(), pl.col("rating").last(), pl.col("timestamp").max()
        )
    )
    columns = ["user", "order", "item", "weight", "owning", "rating", "timestamp"]
    return pl.concat([in_orders.select(columns), frame.filter(~is_order).select(columns)]).sort(columns)


def _rule_table(rules: pl.DataFrame, ids: pl.Series) -> RuleTable:
    numbered = rules.with_row_index("rule")
    unknown: set[int] = set()

    def side(name: str) -> pl.DataFrame:
        long = numbered.select("rule", pl.col(name).alias("id")).explode("id")
        long = long.with_columns(item=index_of(long["id"], ids))
        # A rule over categories or brands, or over products no longer sold, says nothing of these products.
        unknown.update(long.filter(pl.col("item").is_null())["rule"].to_list())
        return long.select("rule", "item").sort("rule", "item")

    left, right = side("antecedent"), side("consequent")
    kept = numbered.filter(~pl.col("rule").is_in(list(unknown)))
    place = kept.select("rule", row=pl.int_range(pl.len()))
    shape = (kept.height, ids.len())

    def matrix(long: pl.DataFrame) -> Csr:
        entries = long.join(place, on="rule").sort("row", "item")
        return csr(entries["row"], entries["item"], None, shape)

    numbers = {name: kept[name].cast(pl.Float64).to_numpy() for name in ("count", "confidence", "lift")}
    return RuleTable(matrix(left), matrix(right), **numbers)
