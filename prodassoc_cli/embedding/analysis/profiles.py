"""Profiles of users: where their taste points, and what a marketer reads about them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.embedding.analysis.phrases import phrases
from prodassoc_cli.embedding.vectors.arithmetic import unit
from prodassoc_cli.errors import BadData
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.numerics.indexing import index_of

EVENTS = ("purchase", "cart", "rating", "review", "click", "view")
"""What shows an interest; impressions and dismissals do not."""
BANDS = ("low", "middle", "high")
"""Where a user buys within the prices of a category: the lower, middle or upper third."""

_TOP = 3
_KEYWORDS = 5
# Words in a keyword ("extra virgin olive oil"), and the heaviest a user that it is chosen from.
_LONGEST, _CONSIDERED = 4, 40
_USERS = 16_384
_DAY_US = 24 * 3600 * 10**6


def user_profiles(
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    vectors: Floats,
    half_life: float = 90.0,
) -> Iterator[pl.DataFrame]:
    """Describe each user by what the user did.

    A row of interactions weighs log₂(1 + quantity) · ½^(age / half-life): ten units are not ten times the
    interest, and age counts back from the last time stamp in the data, for no clock decides a result. Rows
    without a time are as old as the oldest.

    Args:
        interactions: see the artifact of that name. Recency, frequency and monetary value are of purchases,
            or of all rows that show interest where nothing was purchased at all.
        products: sorted as `vectors` are; category, brand and price where it has them.
        vectors: (products, d).
        half_life: days after which a row counts half.

    Yields:
        Frames of up to 16,384 users in the order of their ids, with the columns of the artifact `profiles`.
        A user of whose products none is in the catalogue has no embedding and empty lists.

    Raises:
        BadData: no row names a user and shows an interest.
    """
    rows = _weighted(interactions, half_life)
    if not rows.height:
        raise BadData(
            "`interactions`: no row has a user and an event that shows an interest",
            f"profiles need user_id and one of the events {', '.join(EVENTS)}",
        )
    catalogue = _described(products)
    rows = rows.join(catalogue, on="product_id", how="left", maintain_order="left").with_columns(
        item=index_of(rows["product_id"], products["product_id"])
    )
    table = _facts(rows)
    for name, column in (("top_categories", "category"), ("top_brands", "brand")):
        table = table.join(_heaviest(rows, column, name), on="user_id", how="left", maintain_order="left")
    table = table.with_columns(pl.col("top_categories", "top_brands").fill_null([]))
    terms, names = _names(products)
    for start in range(0, table.height, _USERS):
        yield _described_by_text(table.slice(start, _USERS), rows, vectors, terms, names)


def _weighted(interactions: pl.DataFrame, half_life: float) -> pl.DataFrame:
    """Return the rows that show an interest, with quantity, age in days and weight."""
    rows = interactions.filter(
        pl.col("user_id").is_not_null()
        & pl.col("event").is_in(EVENTS)
        & (pl.col("quantity").fill_null(1.0) > 0)
    )
    age = (pl.col("timestamp").max() - pl.col("timestamp")).dt.total_microseconds() / _DAY_US
    return rows.with_columns(
        quantity=pl.col("quantity").fill_null(1.0), age=age.fill_null(age.max()).fill_null(0.0)
    ).with_columns(
        weight=(1 + pl.col("quantity")).log(2) * (0.5 ** (pl.col("age") / half_life)),
    )


def _described(products: pl.DataFrame) -> pl.DataFrame:
    """Return what of the catalogue profiles are about, and where a price stands in its category, 0 to 1."""
    wanted = {"category": pl.String, "brand": pl.String, "price": pl.Float64}
    described = products.select(
        "product_id",
        *(
            pl.col(name) if name in products.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in wanted.items()
        ),
    )
    level = (pl.col("price").rank("average") - 0.5) / pl.col("price").count()
    return described.with_columns(level=level.over("category")).rename({"price": "list_price"})


def _facts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the plain columns of a profile, one row per user."""
    bought = pl.col("event") == "purchase" if (rows["event"] == "purchase").any() else pl.lit(True)
    price = pl.coalesce("price", "list_price")
    known = (pl.col("level").is_not_null() * pl.col("weight")).sum()
    standing = pl.when(known > 0).then((pl.col("level") * pl.col("weight")).sum() / known)
    spent = (price * pl.col("quantity")).filter(bought & price.is_not_null())
    return (
        rows.group_by("user_id")
        .agg(
            last_seen=pl.col("timestamp").filter(bought).max(),
            recency_days=pl.col("age").filter(bought & pl.col("timestamp").is_not_null()).min().round(4),
            # A row without an order is one of its own.
            frequency=(
                pl.col("order_id").filter(bought).drop_nulls().n_unique()
                + pl.col("order_id").filter(bought).null_count()
            ).cast(pl.Int64),
            monetary=pl.when(spent.len() > 0).then(spent.sum().round(2)),
            price_low=price.quantile(0.25, "linear").round(4),
            price_high=price.quantile(0.75, "linear").round(4),
            price_band=pl.when(standing < 1 / 3)
            .then(pl.lit(BANDS[0]))
            .when(standing > 2 / 3)
            .then(pl.lit(BANDS[2]))
            .when(standing.is_not_null())
            .then(pl.lit(BANDS[1])),
        )
        .sort("user_id")
    )


def _heaviest(rows: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Return each user's values of most weight, heaviest first."""
    return (
        rows.drop_nulls(column)
        .group_by("user_id", column)
        # Summed in an order of its own, a weight could differ in the last bits.
        .agg(pl.col("weight").sort().sum().round(9))
        .sort(["user_id", "weight", column], descending=[False, True, False])
        .group_by("user_id", maintain_order=True)
        .agg(pl.col(column).head(_TOP).alias(name))
    )


def _names(products: pl.DataFrame) -> tuple[sparse.csr_array, pl.DataFrame]:
    """Return products × phrases of their titles, and the phrases.

    A phrase of w words weighs √w · log(1 + products/products with it): with "dog food" there is no need for
    "dog", unless a user buys much else for dogs.
    """
    titles = products["title"] if "title" in products.columns else pl.Series([None] * products.height)
    found = phrases(titles.cast(pl.String), longest=_LONGEST)
    names = found.select("phrase", "words").unique().sort("phrase")
    columns = found["phrase"].rank("dense").to_numpy().astype(np.int64) - 1
    rarity = np.log1p(products.height / np.maximum(np.bincount(columns, minlength=names.height), 1))
    rarity *= np.sqrt(names["words"].to_numpy())
    matrix = sparse.coo_array(
        (rarity[columns], (found["text"].to_numpy(), columns)), shape=(products.height, names.height)
    )
    return sparse.csr_array(matrix), names


def _apart(scored: pl.DataFrame) -> pl.DataFrame:
    """Choose each user's heaviest phrases that share no word; of equal ones the longest.

    What a user bought under several titles is weighed by their common phrase ("goat milk"), what stands in
    one title alone by all of it ("amber maple syrup").

    Args:
        scored: user, phrase, words, score.

    Returns:
        user and keywords, the heaviest first.
    """
    left = (
        scored.sort(["user", "score", "words", "phrase"], descending=[False, True, True, False])
        .group_by("user", maintain_order=True)
        .head(_CONSIDERED)
        # A plural is the same word to a reader.
        .with_columns(parts=pl.col("phrase").str.split(" ").list.eval(pl.element().str.strip_suffix("s")))
    )
    chosen = []
    for _ in range(_KEYWORDS):
        best = left.group_by("user", maintain_order=True).first()
        chosen.append(best.select("user", "phrase"))
        beside = left.join(best.select("user", taken="parts"), on="user", maintain_order="left")
        apart = pl.col("parts").list.set_intersection("taken").list.len() == 0
        left = beside.filter(apart).drop("taken")
    return pl.concat(chosen).group_by("user", maintain_order=True).agg(keywords="phrase")


def _described_by_text(
    users: pl.DataFrame, rows: pl.DataFrame, vectors: Floats, terms: sparse.csr_array, names: pl.DataFrame
) -> pl.DataFrame:
    """Add embedding and keywords to a block of users."""
    numbered = users.select("user_id").with_row_index("user")
    known = (
        rows.drop_nulls("item")
        .join(numbered, on="user_id")
        .group_by("user", "item")
        .agg(pl.col("weight").sort().sum())
        .sort("user", "item")
    )
    weights = sparse.csr_array(
        (known["weight"].to_numpy(), (known["user"].to_numpy(), known["item"].to_numpy())),
        shape=(users.height, len(vectors)),
    )
    tastes = unit(np.asarray(weights @ vectors, dtype=np.float32))
    embedding = pl.Series("embedding", tastes, dtype=pl.Array(pl.Float32, tastes.shape[1]))
    has_taste = pl.Series(tastes.any(axis=1))
    scores = sparse.coo_array(weights @ terms)
    keywords = _apart(
        names[scores.col].with_columns(
            user=pl.Series(scores.row.astype(np.uint32)), score=pl.Series(scores.data.round(9))
        )
    )
    return (
        users.with_row_index("user")
        .join(keywords, on="user", how="left", maintain_order="left")
        .with_columns(
            pl.col("keywords").fill_null([]),
            pl.when(has_taste).then(embedding).alias("embedding"),
        )
        .drop("user")
    )
