from __future__ import annotations

import io
import json
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.artifacts.lineage import METADATA_KEY, InputDigest, Lineage
from prodassoc_cli.artifacts.parquet.validate import conform
from prodassoc_cli.artifacts.schemas import (
    EMBEDDINGS,
    EVENTS,
    INTERACTIONS,
    KINDS,
    PRODUCTS,
    RECOMMENDATIONS,
    RULES,
    SCHEMA_VERSION,
)
from prodassoc_cli.artifacts.store import read_artifact, read_lineage, write_artifact
from prodassoc_cli.errors import BadData

LINEAGE = Lineage(
    "interactions", "clean", {"layout": "auto"}, 42, (InputDigest("orders", "a.csv", "ab" * 32),)
)


def interactions(**columns) -> pl.DataFrame:
    values = {
        "user_id": ["u", None], "order_id": ["1", "2"], "product_id": ["00123", "b"],
        "event": ["purchase", "view"], "quantity": [1.0, None], "price": [2.5, None],
        "rating": [None, None], "timestamp": [datetime(2025, 1, 2, 3, 4, 5), None],
    }  # fmt: skip
    return pl.DataFrame({**values, **columns}, strict=False)


def stored(frame, kind=INTERACTIONS, lineage=LINEAGE) -> bytes:
    stream = io.BytesIO()
    write_artifact(frame, kind, lineage, stream)
    return stream.getvalue()


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(stored(interactions()))
    frame, lineage = read_artifact([path], INTERACTIONS)
    assert frame["product_id"].to_list() == ["00123", "b"]
    assert frame.schema["rating"] == pl.Float64
    assert frame["timestamp"][0] == datetime(2025, 1, 2, 3, 4, 5)
    assert lineage == LINEAGE


def test_the_same_rows_give_the_same_bytes():
    shuffled = interactions().select(reversed(interactions().columns))
    assert stored(interactions()) == stored(shuffled)


@given(
    st.lists(st.sampled_from(["a", "b", "ü", "", "aa", "00123"]), min_size=1, max_size=30),
    st.integers(1, 30),
    st.randoms(use_true_random=False),
)
def test_products_are_written_alike_as_texts_and_as_numbers_of_any_kind(products, rows, random):
    n = len(products)
    frame = pl.DataFrame(
        {
            "user_id": ["u"] * n, "order_id": ["1"] * n, "product_id": products,
            "event": [("purchase", "view")[at % 2] for at in range(n)], "quantity": [1.0] * n,
            "price": [None] * n, "rating": [None] * n, "timestamp": [datetime(2025, 1, 2)] * n,
        }
    )  # fmt: skip
    known = sorted({*products, "never", "z"})
    random.shuffle(known)
    expected = stored(frame)
    for kind in (pl.Enum(known), pl.Categorical(pl.Categories.random())):
        coded = frame.with_columns(pl.col("product_id").cast(kind), pl.col("event").cast(pl.Enum(EVENTS)))
        assert stored(coded) == expected
        assert stored(coded.iter_slices(rows)) == expected


def test_products_that_no_page_holds_come_back(tmp_path):
    ids = [f"{at:030}" for at in range(100_000)]
    frame = pl.DataFrame({"product_id": ids * 2}).with_columns(
        pl.lit("1").alias("order_id"), pl.lit("purchase").alias("event"),
        *(pl.lit(None, pl.String if name == "user_id" else pl.Float64).alias(name)
          for name in ("user_id", "quantity", "price", "rating")),
        pl.lit(None, pl.Datetime("us")).alias("timestamp"),
    )  # fmt: skip
    path = tmp_path / "x.parquet"
    path.write_bytes(stored(frame))
    assert read_artifact([path], INTERACTIONS)[0]["product_id"].to_list() == ids * 2


def test_vectors_are_written_as_they_come_in_row_groups_that_do_not_tell_how_they_came():
    group = EMBEDDINGS.rows_a_group
    ids = pl.Series("product_id", range(3 * group + 5)).cast(pl.String)
    vectors = pl.Series("embedding", np.tile(np.eye(4, dtype=np.float32), (len(ids) // 4 + 1, 1))[: len(ids)])
    whole = pl.DataFrame([ids, vectors])
    stream, written = io.BytesIO(), []

    def pieces():
        for start in range(0, len(whole), 10_000):
            yield whole.slice(start, 10_000)
            written.append((start + 10_000, stream.tell()))

    write_artifact(pieces(), EMBEDDINGS, LINEAGE, stream)
    assert stream.getvalue() == stored(whole, EMBEDDINGS)
    groups = pq.ParquetFile(stream).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [group] * 3 + [5]
    # At any time less than a group and a piece is held back.
    bytes_a_row = written[-1][1] / (3 * group)
    assert all(at > (rows - group - 10_000) * bytes_a_row * 0.9 for rows, at in written)


def test_metadata_is_one_json_key_without_clock_or_path(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(stored(interactions()))
    metadata = pq.read_metadata(path).metadata
    assert set(metadata) == {METADATA_KEY}
    assert set(json.loads(metadata[METADATA_KEY])) == {
        "kind", "command", "parameters", "seed", "inputs", "details", "schema_version", "tool_version",
    }  # fmt: skip
    assert str(tmp_path).encode() not in path.read_bytes()


def test_parts_are_read_as_one(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(stored(interactions(user_id=[name, name])))
    frame, _ = read_artifact([tmp_path / "a", tmp_path / "b"], INTERACTIONS)
    assert frame["user_id"].to_list() == ["a", "a", "b", "b"]


def test_wrong_kind_says_which_command_makes_the_right_one(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(stored(interactions()))
    with pytest.raises(BadData, match="holds interactions, not rules") as caught:
        read_artifact([path], RULES)
    assert "`mine`" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "accepted"), [("0.9", True), (SCHEMA_VERSION, True), ("1.99", False), ("2.0", False)]
)
def test_schema_versions(tmp_path, version, accepted):
    path = tmp_path / "x.parquet"
    lineage = Lineage("interactions", "clean", {}, 1, (), schema_version=version)
    path.write_bytes(stored(interactions(), lineage=lineage))
    if accepted:
        assert read_artifact([path], INTERACTIONS)[0].height == 2
    else:
        with pytest.raises(BadData, match="newer"):
            read_artifact([path], INTERACTIONS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "not a Parquet file"),
        (b"PAR1" + b"0" * 100, "damaged"),
        (stored(interactions())[:-20], "damaged"),
    ],
)
def test_files_that_are_no_artifact(tmp_path, content, words):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(BadData, match=words):
        read_artifact([path], INTERACTIONS)


def test_damaged_metadata_is_bad_data(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({METADATA_KEY: b"[1, 2"}), path)
    with pytest.raises(BadData, match="damaged"):
        read_lineage(path)


def check(frame: pl.DataFrame, kind=INTERACTIONS) -> pa.Table:
    return conform(frame.to_arrow(), kind, "x.parquet")


def test_foreign_parquet_is_cast_and_ids_become_text():
    table = check(interactions(user_id=[7, 8]).with_columns(pl.col("event").cast(pl.Categorical)))
    assert table["user_id"].to_pylist() == ["7", "8"]
    assert table["event"].type == pa.string()


def test_a_missing_column_names_its_likely_twin():
    with pytest.raises(BadData, match="no column 'product_id'") as caught:
        check(interactions().rename({"product_id": "productid"}))
    assert "did you mean 'productid'?" in caught.value.hint


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"product_id": ["a", None]}, "1 missing values"),
        ({"event": ["purchase", "purchse"]}, "'purchse'"),
        ({"price": [1.0, float("nan")]}, "not a finite number"),
        ({"price": [1.0, float("inf")]}, "not a finite number"),
        ({"price": ["1", "cheap"]}, "not f64"),
    ],
)
def test_values_that_do_not_fit(columns, words):
    with pytest.raises(BadData, match=words):
        check(interactions(**columns))


def test_further_columns_stay_only_where_the_kind_is_open():
    frame = pl.DataFrame({"product_id": ["a"], "title": ["A"], "colour": ["red"]})
    assert check(frame, PRODUCTS).column_names == ["product_id", "title", "colour"]
    assert "colour" not in check(interactions().with_columns(colour=pl.lit("red"))).column_names


def test_vectors_are_fixed_size_lists():
    frame = pl.DataFrame({"product_id": ["a"], "embedding": [[0.6, 0.8]]})
    assert check(frame, EMBEDDINGS)["embedding"].type == pa.list_(pa.float32(), 2)


def test_recommendations_have_one_subject():
    frame = pl.DataFrame({"rank": [1], "product_id": ["a"], "score": [1.0], "reason": ["r"]})
    with pytest.raises(BadData, match="exactly one"):
        check(frame, RECOMMENDATIONS)
    assert check(frame.with_columns(user_id=pl.lit("u")), RECOMMENDATIONS).num_rows == 1


def test_every_kind_says_what_its_columns_mean():
    for kind in KINDS.values():
        assert kind.meaning
        assert all(column.meaning for column in kind.columns)
