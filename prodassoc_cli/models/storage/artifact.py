"""The model artifact: a trained model as one Arrow table and a header, and back. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.base import Recommender
from prodassoc_cli.models.data import Csr, Items
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.registry import MODELS, family
from prodassoc_cli.models.storage.array_storage import FORMAT, as_bad_data, cut, joined, series
from prodassoc_cli.models.storage.packing import pack, unpack

_ITEMS, _MODEL = "items/", "model/"


def to_arrow(model: TrainedModel) -> tuple[pa.Table, dict[str, Any]]:
    """Return all that `recommend` needs: a table of list columns, and a header that JSON can hold.

    The header has the keys format, name, parameters, seed, facts, arrays (the shapes of
    `array_storage.cut`) and by_product (the arrays of which a few products' rows are enough for a few
    products' lists).
    """
    columns: dict[str, pa.Array | NDArray[Any]] = {
        _ITEMS + name: model.items.frame[name].to_arrow() for name in model.items.frame.columns
    }
    columns["users/user_id"] = model.users.to_arrow()
    columns |= pack("history/weights", model.weights)
    columns |= pack("history/seen", model.seen) | {"history/last_seen": model.last_seen}
    columns["orders/counts"] = model.basket_counts
    if model.baskets is not None:
        packed = pack("orders/baskets", model.baskets)
        columns |= {key: array for key, array in packed.items() if not key.endswith("data")}
    if model.dismissed is not None:
        columns |= pack("history/dismissed", model.dismissed)
    columns |= {_MODEL + name: array for name, array in model.recommender.arrays().items()}
    table, shapes = cut(columns)
    by_product = [_MODEL + name for name in model.recommender.by_product]
    header = {
        "format": FORMAT,
        "name": model.name,
        "parameters": model.recommender.describe(),
        "seed": model.seed,
        "facts": model.facts,
        "arrays": shapes,
        "by_product": [name for name in by_product if name in shapes or f"{name}.indptr" in shapes],
    }
    return table, header


def from_arrow(table: pa.Table, header: dict[str, Any]) -> TrainedModel:
    """Return the model that `to_arrow` took apart.

    Raises:
        BadData: the table and the header are not a model's, or an array is missing or cut.
    """
    with as_bad_data(header):
        arrays = joined(table, header["arrays"])
    return from_arrays(arrays, header)


def from_arrays(
    columns: Mapping[str, pa.Array | NDArray[Any]], header: dict[str, Any], *, for_kernels: bool = True
) -> TrainedModel:
    """Return the model of these arrays, as `array_storage.joined` or `array_storage.joined_for` gives them.

    Args:
        columns: the arrays.
        header: what the file says of them.
        for_kernels: whether kernels are to be given them, which want arrays that may be written to; else
            they stay where they were read.

    Raises:
        BadData: they do not belong together.
    """
    with as_bad_data(header):
        recommender = family_of(header)
        items = Items(
            pl.DataFrame(
                {
                    name.removeprefix(_ITEMS): series(column)
                    for name, column in columns.items()
                    if name.startswith(_ITEMS)
                }
            )
        )
        arrays = {
            name: _as_numpy(column, header["arrays"][name], writable=for_kernels)
            for name, column in columns.items()
            if not name.startswith((_ITEMS, "users/"))
        }
        own = {name.removeprefix(_MODEL): array for name, array in arrays.items() if name.startswith(_MODEL)}
        recommender.restore(own, len(items))
        baskets: Csr | None = None
        if "orders/baskets.indptr" in arrays:
            arrays["orders/baskets.data"] = np.ones(len(arrays["orders/baskets.indices"]), np.float32)
            baskets = unpack("orders/baskets", arrays, len(items))
        dismissed: Csr | None = None
        users = series(columns["users/user_id"]).alias("user_id").cast(pl.String)
        seen = unpack("history/seen", arrays, len(items), rows=len(users))
        if "history/dismissed.indptr" in arrays:
            dismissed = unpack("history/dismissed", arrays, len(items), rows=len(users))
        if len(arrays["history/last_seen"]) != seen.nnz or len(arrays["orders/counts"]) != len(items):
            raise ValueError("arrays of different lengths")
        return TrainedModel(
            recommender,
            header["seed"],
            items,
            users,
            unpack("history/weights", arrays, len(items), rows=len(users)),
            seen,
            arrays["history/last_seen"],
            baskets,
            arrays["orders/counts"],
            dismissed,
            header["facts"],
        )


def family_of(header: dict[str, Any]) -> Recommender:
    """Return the recommender that a header describes, with its parameters, and nothing learned yet.

    Raises:
        BadData: this version does not know it.
    """
    with as_bad_data(header):
        if header["name"] not in MODELS:
            raise BadData(
                f"the file holds a model '{header['name']}', which this version does not know",
                "update prodassoc, or train again",
            )
        return family(header["name"]).from_mapping(header["parameters"])


def _as_numpy(values: pa.Array | NDArray[Any], shape: dict[str, int], *, writable: bool) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    array = series(values).to_numpy(writable=writable)
    return array.reshape(shape["length"], shape["width"]) if "width" in shape else array
