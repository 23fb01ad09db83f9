"""Rows written as CSV or JSON lines, read again."""

from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import RECOMMENDATIONS
from prodassoc_cli.artifacts.store import read_artifact
from prodassoc_cli.errors import BadData
from prodassoc_cli.terminal.output import write_text

ROWS = pl.DataFrame(
    {
        "user_id": ["007", "u,2", "=1+1"],
        "rank": [1, 1, 1],
        "product_id": ["00101", "a|b", "-x"],
        "score": [0.1 + 0.2, -1.0, 3e-9],
        "reason": ["line\nbreak", "", "because"],
        "reason_products": [["a|b", "c\\", "|"], [], ["00101"]],
    },
    schema_overrides={"rank": pl.Int32},
)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_written_is_read_again(form, tmp_path):
    path = tmp_path / f"recs.{form}"
    with path.open("wb") as stream:
        write_text(ROWS, form, stream)
    frame, lineage = read_artifact([path], RECOMMENDATIONS, text=True)
    assert lineage is None
    assert frame.with_columns(pl.col("reason").fill_null("")).equals(ROWS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"user_id,product_id\nu,a\n", "no column 'rank'"),
        (b"\xff\xfe\x00", "not a Parquet file"),
        (b"", "empty"),
    ],
)
def test_other_files_are_bad_data(content, said, tmp_path):
    path = tmp_path / "recs.csv"
    path.write_bytes(content)
    with pytest.raises(BadData, match=said):
        read_artifact([path], RECOMMENDATIONS, text=True)


def test_text_is_no_artifact_where_it_is_not_asked_for(tmp_path):
    path = tmp_path / "recs.csv"
    ROWS.drop("reason_products").write_csv(path)
    with pytest.raises(BadData, match="not a Parquet file"):
        read_artifact([path], RECOMMENDATIONS)
