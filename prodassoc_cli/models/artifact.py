"""The model artifact: a trained model as one Arrow table of lists and a header, and back. No pickle.

Each column is one array, cut into rows of at most a million values; the array is the lists of its column
one after another. So a short array beside a long one costs nothing, and no page of the file grows huge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import Csr, Items
from prodassoc_cli.models.registry import MODELS, family
from prodassoc_cli.models.similar import pack, unpack
from prodassoc_cli.models.trained import TrainedModel

VALUES_PER_ROW = 1_048_576

_ITEMS, _MODEL = "items/", "model/"


def to_arrow(model: TrainedModel) -> tuple[pa.Table, dict[str, Any]]:
    """Return all that `recommend` needs: a table of list columns, and a header that JSON can hold.

    The header has the keys name, parameters, seed, facts and arrays (column → length and, where the array
    has two dimensions, width).
    """
    columns: dict[str, pa.Array] = {
        _ITEMS + name: model.items.frame[name].to_arrow() for name in model.items.frame.columns
    }
    columns["users/user_id"] = model.users.to_arrow()
    arrays = pack("history/weights", model.weights)
    arrays |= pack("history/seen", model.seen) | {"history/last_seen": model.last_seen}
    arrays["orders/counts"] = model.basket_counts
    if model.baskets is not None:
        arrays |= {
            key: array
            for key, array in pack("orders/baskets", model.baskets).items()
            if not key.endswith("data")
        }
    arrays |= {_MODEL + name: array for name, array in model.recommender.arrays().items()}
    lengths = {name: {"length": len(column)} for name, column in columns.items()}
    for name, array in arrays.items():
        lengths[name] = {"length": len(array)} | ({"width": array.shape[1]} if array.ndim == 2 else {})
        columns[name] = pa.array(np.ascontiguousarray(array).ravel())
    height = max(1, *(-(-len(column) // VALUES_PER_ROW) for column in columns.values()))
    table = pa.table({name: _in_rows(column, height) for name, column in columns.items()})
    header = {
        "name": model.name,
        "parameters": model.recommender.describe(),
        "seed": model.seed,
        "facts": model.facts,
        "arrays": lengths,
    }
    return table, header


def from_arrow(table: pa.Table, header: dict[str, Any]) -> TrainedModel:
    """Return the model that `to_arrow` took apart.

    Raises:
        BadData: the table and the header are not a model's, or an array is missing or cut.
    """
    try:
        return _rebuilt(table, header)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, pa.ArrowInvalid) as problem:
        raise BadData(f"the model file is damaged: {problem}", "make it again: prodassoc train") from problem


def _rebuilt(table: pa.Table, header: dict[str, Any]) -> TrainedModel:
    if header["name"] not in MODELS:
        raise BadData(
            f"the file holds a model '{header['name']}', which this version does not know",
            "update prodassoc, or train again",
        )
    columns = {name: _joined(table.column(name), expected) for name, expected in header["arrays"].items()}
    items = Items(
        pl.DataFrame(
            {
                name.removeprefix(_ITEMS): pl.Series(values=column)
                for name, column in columns.items()
                if name.startswith(_ITEMS)
            }
        )
    )
    arrays = {
        name: _as_numpy(column, header["arrays"][name])
        for name, column in columns.items()
        if not name.startswith((_ITEMS, "users/"))
    }
    recommender = family(header["name"]).from_mapping(header["parameters"])
    own = {name.removeprefix(_MODEL): array for name, array in arrays.items() if name.startswith(_MODEL)}
    recommender.restore(own, len(items))
    baskets: Csr | None = None
    if "orders/baskets.indptr" in arrays:
        arrays["orders/baskets.data"] = np.ones(len(arrays["orders/baskets.indices"]), np.float32)
        baskets = unpack("orders/baskets", arrays, len(items))
    users = pl.Series("user_id", columns["users/user_id"]).cast(pl.String)
    seen = unpack("history/seen", arrays, len(items), rows=len(users))
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
        header["facts"],
    )


def _in_rows(values: pa.Array, height: int) -> pa.Array:
    offsets = np.minimum(np.arange(height + 1, dtype=np.int64) * VALUES_PER_ROW, len(values))
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def _joined(column: pa.ChunkedArray, expected: dict[str, int]) -> pa.Array:
    parts = [chunk.flatten() for chunk in column.chunks]
    values = pa.concat_arrays(parts) if len(parts) != 1 else parts[0]
    if len(values) != expected["length"] * expected.get("width", 1):
        raise ValueError(f"an array has {len(values)} values, not {expected['length']}")
    return values


def _as_numpy(values: pa.Array, shape: dict[str, int]) -> NDArray[Any]:
    # By polars, since pyarrow imports any pandas for it; a copy, as kernels want arrays they may write to.
    array = pl.Series(values=values).to_numpy(writable=True)
    return array.reshape(shape["length"], shape["width"]) if "width" in shape else array
