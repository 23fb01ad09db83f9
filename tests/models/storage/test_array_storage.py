"""A model's arrays in one table: whole, or only the rows that a few products' lists take."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.artifacts.parquet.partial_read import OpenArtifact
from prodassoc_cli.artifacts.schemas import MODEL
from prodassoc_cli.artifacts.store import write_artifact
from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import train
from prodassoc_cli.models.registry import MODELS
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.storage import array_storage as layout
from prodassoc_cli.models.storage.artifact import from_arrays, from_arrow, to_arrow
from tests.models.shops import catalogue, random_shop, vectors

BASKETS = [["i01", "i02"], ["i07"]]
WANTED = [" i01", "i02", "i07 ", "unheard of"]


@pytest.fixture(scope="module")
def shop() -> TrainingData:
    return TrainingData.from_frames(random_shop(1), catalogue(), vectors())


def stored(model, folder):
    """Return the path of a model written as `train` writes it, many small rows in groups of one."""
    table, header = to_arrow(model)
    path = folder / "model.parquet"
    with path.open("wb") as stream:
        write_artifact(table, MODEL, Lineage("model", "train", {}, 42, (), {"model": header}), stream)
    return path


@pytest.mark.parametrize("name", list(MODELS))
def test_a_basket_is_answered_alike_from_its_rows_alone(name, shop, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "VALUES_PER_ROW", 7)
    model = train(name, shop)
    with OpenArtifact(stored(model, tmp_path), MODEL) as file:
        header = file.lineage.details["model"]
        arrays = layout.joined_for(WANTED, file.read, header["arrays"], header["by_product"])
    expected = recommend(model, audience="baskets", baskets=BASKETS).frame
    for for_kernels in (True, False):
        few = from_arrays(arrays, header, for_kernels=for_kernels)
        assert recommend(few, audience="baskets", baskets=BASKETS).frame.equals(expected)


def test_a_model_of_earlier_writers_is_read_alike(shop, tmp_path):
    model = train("ease", shop)
    path = stored(model, tmp_path)
    with OpenArtifact(path, MODEL) as file:
        header = file.lineage.details["model"]
        table = file.read()
    assert not any(column.type.value_field.nullable for column in table.schema if "item" not in column.name)
    before = pa.table(
        {name: table[name].cast(pa.list_(table[name].type.value_type)) for name in table.column_names}
    )
    pq.write_table(
        before.replace_schema_metadata(table.schema.metadata), path, row_group_size=1, compression="zstd"
    )
    with OpenArtifact(path, MODEL) as file:
        arrays = layout.joined_apart(file.read, header["arrays"])
    expected = recommend(model, audience="baskets", baskets=BASKETS).frame
    assert recommend(from_arrays(arrays, header), audience="baskets", baskets=BASKETS).frame.equals(expected)


@pytest.mark.parametrize("name", ["ease", "item-knn"])
def test_rows_of_other_products_are_not_read(name, shop, monkeypatch):
    monkeypatch.setattr(layout, "VALUES_PER_ROW", 7)
    table, header = to_arrow(train(name, shop))
    taken = []

    def read(columns, rows):
        taken.append((set(columns), rows))
        selected = table.select(list(columns))
        return selected if rows is None else selected.take(rows)

    arrays = layout.joined_for(["i02"], read, header["arrays"], header["by_product"])
    partly = {column for column in header["arrays"] if column.split(".")[0] in header["by_product"]}
    partly = {column for column in partly if not column.endswith(".indptr")}
    assert partly
    by_rows = {column: rows for columns, rows in taken for column in columns if column in partly}
    assert set(by_rows) == partly
    assert all(len(rows) < table.num_rows / 2 for rows in by_rows.values())
    # Of the others no rows beyond their end, which would be empty.
    for columns, rows in taken:
        assert all(
            len(table.column(column)[rows[-1]]) for column in columns if header["arrays"][column]["length"]
        )
    whole = layout.joined(table, header["arrays"])
    part = "model/weights" if name == "ease" else "model/similar.data"
    ours, theirs = arrays[part].ravel(), np.asarray(whole[part])
    np.testing.assert_array_equal(ours[ours != 0], theirs[ours != 0])
    assert 0 < np.count_nonzero(ours) < np.count_nonzero(theirs)


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5), per_row=st.integers(1, 9))
def test_arrays_come_back_as_they_were(lengths, per_row):
    arrays = {str(n): np.arange(length, dtype=np.int32) for n, length in enumerate(lengths)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "VALUES_PER_ROW", per_row)
        table, shapes = layout.cut(arrays)
    assert table.num_rows == max(1, -(-max(lengths) // per_row))
    for name, values in layout.joined(table, shapes).items():
        assert values.to_pylist() == arrays[name].tolist()


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    per_row=st.integers(1, 9),
    run_parallel=st.integers(1, 3),
)
def test_arrays_come_back_one_by_one(lengths, per_row, run_parallel):
    arrays = {str(n): np.arange(length, dtype=np.int32) for n, length in enumerate(lengths)}
    arrays |= {"wide": np.arange(12, dtype=np.float32).reshape(4, 3), "text": pa.array(list("abcdefghijk"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "VALUES_PER_ROW", per_row)
        patch.setattr(layout, "_ROWS_AT_ONCE", run_parallel)
        table, shapes = layout.cut(arrays)

        def read(columns, rows):
            selected = table.select(list(columns))
            return selected if rows is None else selected.take(rows)

        found = layout.joined_apart(read, shapes)
        assert list(shapes) == list(arrays)
        for name, values in arrays.items():
            assert np.asarray(found[name]).ravel().tolist() == np.asarray(values).ravel().tolist()
        assert found["wide"].shape == (4, 3)
        with pytest.raises((ValueError, IndexError)):
            layout.joined_apart(read, {"wide": {"length": 13}})


def test_rows_of_a_long_file_are_found_in_their_groups(tmp_path):
    frame = pl.DataFrame({"n": list(range(100)), "text": [str(n) for n in range(100)]})
    path = tmp_path / "long.parquet"
    frame.write_parquet(path, row_group_size=7)
    with OpenArtifact(path, MODEL) as file:
        assert file.read(["n"], [0, 6, 7, 8, 50, 99]).column("n").to_pylist() == [0, 6, 7, 8, 50, 99]
        assert file.read().num_rows == file.height == 100


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": 1}, "earlier version"),
        ({"format": None}, "later version"),
        ({"format": layout.FORMAT + 1}, "later version"),
        ({"arrays": None}, "damaged"),
        ({"parameters": {"colour": 1}}, "damaged"),
    ],
)
def test_what_is_wrong_with_a_model_is_told(shop, changed, words):
    table, header = to_arrow(train("item-knn", shop))
    with pytest.raises(BadData, match=words) as told:
        from_arrow(table, json.loads(json.dumps(header)) | changed)
    assert "train" in told.value.hint


def test_a_model_from_before_formats_were_counted_is_to_be_trained_again(shop):
    table, header = to_arrow(train("item-knn", shop))
    del header["format"]
    with pytest.raises(BadData, match="earlier version") as told:
        from_arrow(table, header)
    assert told.value.hint == "train again: `train`"


@pytest.mark.parametrize("name", ["ease", "item-knn"])
def test_bounds_that_lead_outside_are_damage(name, shop):
    table, header = to_arrow(train(name, shop))
    part = "model/weights" if name == "ease" else "model/similar.data"
    shapes = {**header["arrays"], part: {**header["arrays"][part], "length": 3}}
    with pytest.raises(ValueError, match=r"bounds|values"):
        layout.joined_for(
            ["i07"],
            lambda names, rows: table.select(list(names)) if rows is None else table.select(names).take(rows),
            shapes,
            header["by_product"],
        )
