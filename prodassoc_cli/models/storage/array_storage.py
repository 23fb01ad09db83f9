"""How the arrays of a model lie in one Arrow table: each a column of lists, cut into rows of many values.

An array is the lists of its column one after another. So a short array beside a long one costs nothing, no
page of the file grows huge, and of a long array some rows can be read without the others. Of the libraries
only Arrow and numpy are needed here: a file can be read while the recommenders are still being imported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from prodassoc_cli.errors import BadData
from prodassoc_cli.numerics.arrays import Longs, arrow_of

FORMAT = 3
"""What the header of a model says under `format`; it counts up when older files can no longer be read."""

VALUES_PER_ROW = 262_144
"""Values of one row: of a matrix of 4,000 products some 65 products. More rows, more to find one's way in."""

_ROWS_AT_ONCE = 16
"""Rows of an array read at once: 16 MB of f32."""

PRODUCT_IDS = "items/product_id"
"""The array of the products' ids."""

Shapes = dict[str, dict[str, int]]
Read = Callable[[Collection[str], Sequence[int] | None], pa.Table]
"""Returns columns of a table, of all its rows or of those given."""


def cut(columns: Mapping[str, pa.Array | NDArray[Any]]) -> tuple[pa.Table, Shapes]:
    """Return arrays of one or two dimensions as a table, and the length and width of each."""
    shapes = {
        name: {"length": len(array)} | ({"width": array.shape[1]} if getattr(array, "ndim", 1) == 2 else {})
        for name, array in columns.items()
    }
    flat = {
        name: array if isinstance(array, pa.Array) else arrow_of(np.ascontiguousarray(array).ravel())
        for name, array in columns.items()
    }
    height = max(1, *(-(-len(values) // VALUES_PER_ROW) for values in flat.values()))
    bounds = np.arange(height + 1, dtype=np.int64) * VALUES_PER_ROW
    return pa.table(
        {
            name: pa.LargeListArray.from_arrays(
                arrow_of(np.minimum(bounds, len(values))), values, type=_list_of(values)
            )
            for name, values in flat.items()
        }
    ), shapes


def _list_of(values: pa.Array) -> pa.DataType:
    """Return the type of lists of these values: where none is missing, a file says so and is read faster."""
    return pa.large_list(pa.field("item", values.type, nullable=values.null_count > 0))


def joined(table: pa.Table, shapes: Shapes) -> dict[str, pa.Array]:
    """Return the arrays of these shapes, flat.

    Raises:
        ValueError: an array has more or fewer values than its shape says.
        KeyError: an array is missing.
    """
    return {name: _whole(table.column(name), shape) for name, shape in shapes.items()}


def joined_apart(read: Read, shapes: Shapes) -> dict[str, pa.Array | NDArray[Any]]:
    """Return the arrays as `joined` does, read one after another; numbers as numpy arrays in their shapes.

    Of each only the rows that hold it are read, a few at a time, straight to where they stay: in a third of
    the time that the whole table takes, and with hardly more memory than the arrays themselves.

    Raises:
        ValueError: an array has more or fewer values than its shape says.
        KeyError: an array is missing.
    """
    short = {name: shape for name, shape in shapes.items() if _height(shape) == 1}
    long = {name: _apart(name, read, shape) for name, shape in shapes.items() if name not in short}
    return {**_joined_by_height(read, short), **long}


def _apart(name: str, read: Read, shape: dict[str, int]) -> pa.Array | NDArray[Any]:
    size, height = _size(shape), _height(shape)
    values, end = np.empty(0), 0
    for row in range(0, height, _ROWS_AT_ONCE):
        column = read([name], list(range(row, min(row + _ROWS_AT_ONCE, height)))).column(name)
        if not pa.types.is_primitive(column.type.value_type):
            return _whole(read([name], list(range(height))).column(name), shape)
        for chunk in column.chunks:
            part = series(_flat(chunk)).to_numpy()
            if not end:
                values = np.empty(size, part.dtype)
            if end + len(part) > size:
                raise ValueError(f"{name} has more than {size} values")
            values[end : end + len(part)] = part
            end += len(part)
    if end != size:
        raise ValueError(f"{name} has {end} values, not {size}")
    return values.reshape(shape["length"], shape["width"]) if "width" in shape else values


def _joined_by_height(read: Read, shapes: Shapes) -> dict[str, pa.Array]:
    """Return the arrays as `joined` does; those of as many rows are read together, and no rows beyond."""
    heights: dict[int, list[str]] = {}
    for name, shape in shapes.items():
        heights.setdefault(_height(shape), []).append(name)
    arrays: dict[str, pa.Array] = {}
    for height, names in heights.items():
        arrays |= joined(read(names, list(range(height))), {name: shapes[name] for name in names})
    return arrays


def _size(shape: dict[str, int]) -> int:
    return shape["length"] * shape.get("width", 1)


def _height(shape: dict[str, int]) -> int:
    """Return in how many rows an array lies; all arrays have a first one."""
    return max(1, -(-_size(shape) // VALUES_PER_ROW))


def joined_for(
    wanted: Iterable[str], read: Read, shapes: Shapes, by_product: Collection[str]
) -> dict[str, pa.Array | NDArray[Any]]:
    """Return the arrays as `joined` does, but of some only the rows of a few products, zeros for the others.

    Those come as numpy arrays in their shapes. What was not read takes no memory either: it is untouched.

    Args:
        wanted: ids of products.
        read: returns columns of the table.
        shapes: the shapes of the arrays, as `cut` returns them.
        by_product: arrays of two dimensions, or of parts .indptr, .indices and .data, with a row per product.

    Raises:
        ValueError: an array has more or fewer values than its shape says.
        KeyError: an array is missing.
    """
    parts = [f"{name}.{part}" for name in by_product for part in ("indices", "data")]
    partly = {*by_product, *parts}
    others = {name: shape for name, shape in shapes.items() if name not in partly}
    arrays: dict[str, pa.Array | NDArray[Any]] = {**_joined_by_height(read, others)}
    known = series(arrays[PRODUCT_IDS]).cast(pl.String)
    asked = pl.Series([each.strip() for each in wanted], dtype=pl.String)
    places = known.is_in(asked.implode()).arg_true().to_numpy().astype(np.int64)
    for name in by_product:
        if name in shapes:
            starts = places * shapes[name]["width"]
            arrays[name] = _some_rows(name, starts, starts + shapes[name]["width"], read, shapes[name])
        else:
            bounds = series(arrays[f"{name}.indptr"]).to_numpy()
            starts, stops = bounds[places], bounds[places + 1]
            for part in (f"{name}.indices", f"{name}.data"):
                arrays[part] = _some_rows(part, starts, stops, read, shapes[part])
    return arrays


def _some_rows(name: str, starts: Longs, stops: Longs, read: Read, shape: dict[str, int]) -> NDArray[Any]:
    """Return an array of that shape of which the values from each start to its stop are there."""
    size = _size(shape)
    if len(starts) and not 0 <= starts.min() <= stops.max() <= size:
        raise ValueError(f"{name} has bounds out of order")
    # With nothing wanted, the first row still has the type of the values.
    rows = sorted({0}.union(*map(range, starts // VALUES_PER_ROW, -(-stops // VALUES_PER_ROW))))
    found = [series(each.values).to_numpy() for each in read([name], rows).column(name)]
    values = np.zeros(size, found[0].dtype)
    for row, stored in zip(rows, found, strict=True):
        part = values[row * VALUES_PER_ROW : (row + 1) * VALUES_PER_ROW]
        if len(stored) != len(part):
            raise ValueError(f"{name} has {len(stored)} values in row {row}, not {len(part)}")
        part[:] = stored
    return values.reshape(shape["length"], shape["width"]) if "width" in shape else values


def _whole(column: pa.ChunkedArray, shape: dict[str, int]) -> pa.Array:
    parts = [_flat(chunk) for chunk in column.chunks]
    values = pa.concat_arrays(parts) if len(parts) != 1 else parts[0]
    if len(values) != _size(shape):
        raise ValueError(f"an array has {len(values)} values, not {shape['length']}")
    return values


@dataclass(frozen=True)
class _Handed:
    """An array as any library hands it over."""

    array: pa.Array

    def __arrow_c_array__(self, requested: object = None) -> tuple[object, object]:
        return self.array.__arrow_c_array__(requested)


def series(values: pa.Array) -> pl.Series:
    """Return the array as a series of polars, the quickest way to numpy too.

    Handed an array of Arrow's own class, polars would import all functions of Arrow (25 ms); Arrow itself
    would import any pandas.
    """
    return pl.Series(values=_Handed(values))


def _flat(lists: pa.LargeListArray) -> pa.Array:
    """Return the lists one after another; for its `flatten` Arrow imports all its functions."""
    first, last = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    return lists.values.slice(first, last - first)


@contextmanager
def as_bad_data(header: Mapping[str, Any]) -> Iterator[None]:
    """Raise what goes wrong in this block, where a model file is taken apart, as bad data.

    Raises:
        BadData: the file is damaged, or of another version.
    """
    made_by = header.get("format", 1 if "name" in header else FORMAT)
    if made_by != FORMAT:
        age = "an earlier" if isinstance(made_by, int) and made_by < FORMAT else "a later"
        raise BadData(
            f"the model was made by {age} version of prodassoc",
            "train again: `train`" if age == "an earlier" else "update prodassoc, or train again",
        )
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, pa.ArrowInvalid) as problem:
        raise BadData(f"the model file is damaged: {problem}", "make it again: `train`") from problem
