"""Whatever the ids: no row is lost, none is changed, and neither order of rows nor threads change a byte."""

from __future__ import annotations

import csv
import json
import os
import random
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodassoc_cli.app import run_command_line
from prodassoc_cli.intake.values.missing import NOBODY_WORDS

LETTERS = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t,;\"'|\\ 0=+-@")
IDS = (
    st.text(LETTERS, min_size=1, max_size=12)
    | st.integers(0, 99_999).map(lambda number: f"{number:07d}")
    | st.sampled_from(
        ["00123", "0", "1e5", "1.50", '"', "a,b", "a\nb", "x" * 3000, "ø", "e\u0301", "é", "👩‍👩‍👧", "True"]
    )
).filter(lambda text: text.strip() == text and text.lower() not in NOBODY_WORDS and not text.endswith(".0"))
"""No 17850.0: that is 17850 where a whole column is written so."""

STEPS = (
    "mine interactions.parquet -o rules.parquet --min-count 1 --min-confidence 0 --min-lift 0"
    " --itemsets-output sets.parquet",
    "embed products.parquet -o vectors.parquet --encoder tfidf",
    "train interactions.parquet -o model.parquet --model item-knn",
    "recommend model.parquet -o recs.parquet -k 3 --include-seen",
)
MADE = ("interactions", "rejects", "products", "rules", "sets", "vectors", "model", "recs")


@st.composite
def shops(draw):
    """Return order lines (order, user, product): each product is in two orders at the least."""
    products = draw(st.lists(IDS, min_size=2, max_size=6, unique=True))
    users = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    orders = draw(st.lists(IDS, min_size=2, max_size=6, unique=True))
    buyers = {order: users[at % len(users)] for at, order in enumerate(orders)}
    lines = [(order, buyers[order], product) for order in orders for product in products]
    keep = draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    kept = [line for line, wanted in zip(lines, keep, strict=True) if wanted]
    return kept if len({line[2] for line in kept}) > 1 and len({line[0] for line in kept}) > 1 else lines


def chain(lines, *flags: str) -> tuple[dict[str, bytes], dict]:
    """Run the whole chain in a folder of its own; return the files and the summary of clean."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            with Path("orders.csv").open("w", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
                writer.writerow(["order_id", "user_id", "product_id"])
                writer.writerows(lines)
            clean = "clean orders.csv --header --layout lines --delimiter , --encoding utf-8"
            clean += " -o interactions.parquet --products-output products.parquet"
            clean += " --rejects-output rejects.parquet --summary s.json"
            for line in (clean, *STEPS):
                code = run_command_line([*line.split(), "-q", *flags])
                if code == 65 and line == clean:
                    return {}, {}
                assert code == 0, line
            made = {each: Path(f"{each}.parquet").read_bytes() for each in MADE}
            return made, json.loads(Path("s.json").read_text())
        finally:
            os.chdir(home)


def frame(data: bytes) -> pl.DataFrame:
    return pl.read_parquet(data)


def check(lines) -> None:
    made, summary = chain(lines, "--threads", "1")
    if not made:
        return  # every product was a service code
    assert summary["rows_in"] == len(lines)
    assert summary["rows_in"] == summary["rows_kept"] + summary["rows_rejected"]
    interactions = frame(made["interactions"])
    assert interactions.height == summary["rows_kept"]
    assert frame(made["rejects"]).height == summary["rows_rejected"]
    kept = set(interactions.select("order_id", "user_id", "product_id").rows())
    assert kept <= set(lines)
    reasons = set(frame(made["rejects"])["reason"])
    assert reasons <= {"non_product_code", "cancelled_order", "duplicate_line"}
    products = set(interactions["product_id"])
    for name in ("products", "vectors", "recs"):
        assert set(frame(made[name])["product_id"]) <= products
    assert set(frame(made["products"])["product_id"]) == products
    assert set(frame(made["sets"])["items"].explode().drop_nulls()) == products
    assert set(frame(made["recs"])["user_id"]) <= {line[1] for line in lines}
    shuffled = lines.copy()
    random.Random(len(lines)).shuffle(shuffled)
    again, _ = chain(shuffled, "--threads", "2")
    for name in MADE:
        if name != "rejects":  # they name rows by number
            assert _rows(again[name]) == _rows(made[name]), name
    same, _ = chain(lines, "--threads", "2")
    assert same == made


def _rows(data: bytes) -> list:
    """All rows; the bytes depend on the digests of the inputs too, which are of the shuffled file."""
    return frame(data).to_dicts()


@given(shops())
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_ids_and_rows_survive_the_chain(lines):
    check(lines)


@pytest.mark.faults
@given(shops())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_ids_and_rows_survive_the_chain_300_times(lines):
    check(lines)
