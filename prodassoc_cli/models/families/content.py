"""Content: products like those of the history, by the meaning of their texts, category, brand and price."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, Items, TrainingData, csr, csr_of
from prodassoc_cli.models.families.item_knn import weighed
from prodassoc_cli.models.newcomers import Newcomers
from prodassoc_cli.models.storage.packing import Arrays, unpack
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints
from prodassoc_cli.resemblance.scale import DEFAULT_SCALE

_PRICE_BANDS = 8
CATEGORY_SEPARATOR = ">"
_PAIRS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class ContentParameters:
    """Parameters of content."""

    text_weight: float = setting(
        0.8, "Share of the texts in the score; the rest is category, brand and price", low=0.0, high=1.0,
        tuned=SearchRange(0, 1),
    )  # fmt: skip


class Content(Recommender):
    """Compares the weighted profile of a history with every product.

    Texts: the cosine of the embeddings' weighted mean and the product's. Attributes (category path, brand,
    band of price): the weight-normalised dot product Σ p_f·x_f / Σ p_f, the share of the profile's weight
    that the product has too. Both are sums over the history, so each product's part in a score is known.
    """

    name = "content"
    Parameters = ContentParameters
    knows_cold = True
    learned = ("vectors", "attributes")
    alike = DEFAULT_SCALE.alike
    """Cosine of two texts under which the products are not called similar; it depends on the encoder."""

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Take the embeddings and encode the attributes.

        Raises:
            UsageProblem: there are neither embeddings nor attributes.
        """
        self.vectors = np.zeros((data.n_items, 0), np.float32) if data.embeddings is None else data.embeddings
        self.attributes = encode_attributes(data.items)
        if not self.attributes.nnz and not self.vectors.any():
            raise UsageProblem(
                "model 'content' needs embeddings, categories or brands, and there are none",
                "give `products=FILE` or `embeddings=FILE`",
            )
        self.prepare()

    def prepare(self) -> None:
        """Note which products have content, and whether any has a text."""
        has_text = self.vectors.any(axis=1)
        self._has_content = has_text | (np.diff(self.attributes.indptr) > 0)
        self._some_text = bool(has_text.any())
        self._contentless = np.flatnonzero(~self._has_content)
        self._by_attribute = csr_of(self.attributes.T)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the weighted mean of both likenesses; -inf where a product or a history has no content."""
        history = weighed(queries.history, "log")
        profile, attributes, text_scale, _ = self._profiles(history)
        scores = similarity.dense_product(profile * text_scale[:, None], self.vectors, threads)
        if self._share < 1:
            scores += (1 - self._share) * weighted_dot(attributes, self._by_attribute)
        scores[:, self._contentless] = -np.inf
        scores[~(history @ self._has_content.astype(np.float32) > 0)] = -np.inf
        return scores

    @property
    def _share(self) -> float:
        """The share of the texts: all where there are no attributes, none where there are no texts."""
        if not self.attributes.nnz:
            return 1.0
        return float(self.parameters.text_weight) if self._some_text else 0.0

    def _profiles(self, history: Csr) -> tuple[Floats, Csr, Floats, Floats]:
        """Return rows' sums of vectors and of attributes, and what each row's sums are multiplied by."""
        profile = np.asarray(history @ self.vectors, np.float32)
        attributes = csr_of(history @ self.attributes)
        text_scale = self._share * similarity.inverse_power(np.linalg.norm(profile, axis=1), 1.0)
        return (
            profile,
            attributes,
            text_scale,
            (1 - self._share) * similarity.inverse_power(similarity.degrees(attributes), 1.0),
        )

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history that gave most of the score, if the two are alike."""
        history = weighed(queries.history, "log")
        _, _, text_scale, attribute_scale = self._profiles(history)
        nearest, _ = similarity.nearest_terms(
            history,
            self.vectors,
            items,
            threads,
            attributes=self.attributes,
            scales=(text_scale, attribute_scale),
        )
        return Explanation.of(Why.SIMILAR, items, others=np.where(self._alike(items, nearest), nearest, -1))

    def _alike(self, items: Ints, others: Ints) -> Bools:
        """Return which pairs have texts that are alike, or no texts to tell by."""
        alike = (items >= 0) & (others >= 0)
        left, right = items[alike], others[alike]
        cosines = np.empty(len(left), np.float32)
        for start in range(0, len(left), _PAIRS_AT_ONCE):
            pairs = slice(start, start + _PAIRS_AT_ONCE)
            np.einsum("pd,pd->p", self.vectors[left[pairs]], self.vectors[right[pairs]], out=cosines[pairs])
        alike[alike] = (cosines >= self.alike) | (cosines == 0)
        return alike

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the vectors and the attributes."""
        self.vectors = arrays["vectors"]
        indices = arrays["attributes.indices"]
        width = int(indices.max(initial=-1)) + 1
        if width > len(indices) or len(self.vectors) != n_items:
            raise ValueError("the content does not fit the products")  # every attribute is some product's
        self.attributes = unpack("attributes", arrays, width, rows=n_items)
        self.prepare()

    def admit(self, newcomers: Newcomers, threads: int) -> Self:
        """Take the texts of the new products, and the attributes that all have today."""
        admitted = copy(self)
        new = newcomers.vectors[newcomers.known :]
        admitted.vectors = np.concatenate([self.vectors, new])
        admitted.attributes = encode_attributes(newcomers.items)
        admitted.prepare()
        return admitted

    def facts(self) -> dict[str, Any]:
        """Return how much content there is."""
        return {
            "products_with_text": int(self.vectors.any(axis=1).sum()),
            "products_with_attributes": int((np.diff(self.attributes.indptr) > 0).sum()),
        }


def weighted_dot(profiles: Csr, by_attribute: Csr) -> Floats:
    """Return Σ_f p_f·x_f / Σ_f p_f for each profile (row) and item, 0 where a profile is empty.

    For the profile (1,1,1,1) and the item (0,1,0,1) this is 2/4.

    Args:
        profiles: rows × features.
        by_attribute: features × n_items.
    """
    total = similarity.degrees(profiles)
    normalised = similarity.scaled(profiles, rows=similarity.inverse_power(total, 1.0))
    return np.asarray((normalised @ by_attribute).todense(), np.float32)


def encode_attributes(items: Items) -> Csr:
    """Return items × features: each prefix of a category path, the brand, the band of the price.

    `Food > Dairy > Milk` has the features Food, Food > Dairy and Food > Dairy > Milk. Bands hold equally many
    products each.
    """
    frame = items.frame.with_row_index("item").with_columns(pl.col("item").cast(pl.Int32))
    path = pl.col("category").str.split(CATEGORY_SEPARATOR).list.eval(pl.element().str.strip_chars())
    prefix = path.list.head(pl.col("depth")).list.join(CATEGORY_SEPARATOR)
    depth = pl.int_ranges(1, path.list.len() + 1)
    band = (pl.col("price").rank("average") / pl.col("price").count() * _PRICE_BANDS).ceil()
    placed = frame.filter(pl.col("category").str.strip_chars() != "")
    # Without rows, polars before 2.1 does not know the type of the lists.
    prefixes = placed.with_columns(depth=depth).explode("depth") if placed.height else placed
    category = "category " + prefix if placed.height else pl.col("category")
    features = pl.concat(
        [
            prefixes.select("item", feature=category),
            frame.select("item", feature="brand " + pl.col("brand").str.strip_chars().replace("", None)),
            frame.select("item", feature=pl.format("price {}", band)),
        ]
    )
    pairs = (
        features.drop_nulls()
        .unique()
        .with_columns(place=pl.col("feature").rank("dense"))
        .sort("item", "place")
    )
    width = int(pairs["place"].to_numpy().max(initial=0))
    return csr(pairs["item"], pairs["place"].cast(pl.Int32) - 1, None, (len(items), width))
