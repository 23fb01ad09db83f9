"""No raw user id in what is said, logged or written beside the data; formulas and old files."""

from __future__ import annotations

import csv
import json
import re

import polars as pl
import pyarrow.parquet as pq
import pytest

from prodassoc_cli.artifacts.lineage import METADATA_KEY

USER = "karla.musterfrau@example.org"
ORDERS = "order_id,user_id,product_id,quantity,price,timestamp\n" + "".join(
    f"{order},{USER if order % 2 else f'other{order}@example.org'},p{item},{int(item != 3)},2.5,"
    f"2025-01-{order + 10} 10:00\n"
    for order in range(1, 9)
    for item in range(order % 4 + 1)
)
BROKEN = f'99,{USER},p1\n99,{USER},p1,1,x,2025-01-01,"\n'


@pytest.fixture
def shop(prodassoc):
    (prodassoc.folder / "orders.csv").write_text(ORDERS)
    (prodassoc.folder / "key").write_text("a secret of some length")
    return prodassoc


def leaks(folder, *streams: bytes) -> list[str]:
    """Return where the user's id can be read."""
    found = [
        path.name
        for path in folder.iterdir()
        if path.name not in ("orders.csv", "broken.csv", "ids.txt") and _text(path).find(USER) >= 0
    ]
    return found + [text for text in map(bytes.decode, streams) if USER in text]


def _text(path) -> str:
    if path.suffix != ".parquet":
        return path.read_text()
    return str(pq.read_table(path).to_pydict()) + str(pq.read_schema(path).metadata)


@pytest.mark.parametrize("flags", [("--pseudonymize-key-file", "key"), ("--drop-users",)])
@pytest.mark.parametrize("log", ["text", "json"])
def test_no_user_id_anywhere(shop, flags, log):
    outputs = [
        "-o",
        "i.parquet",
        "--rejects-output",
        "r.csv",
        "--summary",
        "s.json",
        "--metrics-file",
        "m.prom",
    ]
    outputs += ["--holdout", "last-order", "--holdout-output", "h.parquet", "-v", "--log-format", log]
    done = shop("clean", "orders.csv", *outputs, *flags)
    assert done.returncode == 0, done.stderr
    assert (shop.folder / "r.csv").read_text().count("\n") > 1
    assert not leaks(shop.folder, done.stdout, done.stderr)
    users = pl.read_parquet(shop.folder / "i.parquet")["user_id"]
    assert users.null_count() == (users.len() if flags == ("--drop-users",) else 0)


@pytest.mark.parametrize("content", [ORDERS + BROKEN, BROKEN * 3, ORDERS.replace("p", "\0")])
def test_no_user_id_in_what_is_said_of_broken_rows(shop, content):
    (shop.folder / "broken.csv").write_text(content)
    done = shop("clean", "broken.csv", "-o", "i.csv", "--log-format", "json", "--format", "table")
    assert USER.encode() not in done.stderr


def test_no_user_id_in_what_later_steps_say(shop):
    assert shop("clean", "orders.csv", "-o", "i.parquet", "-q").returncode == 0
    assert shop("train", "i.parquet", "--model", "popularity", "-o", "m.parquet", "-q").returncode == 0
    (shop.folder / "ids.txt").write_text(f"{USER}\nnobody.{USER}\n")
    done = shop(
        "recommend", "m.parquet", "--ids", "ids.txt", "-o", "recs.parquet", "-v", "--summary", "s.json"
    )
    (shop.folder / "ids.txt").write_text(f"nobody.{USER}\n")
    none = shop("recommend", "m.parquet", "--ids", "ids.txt", "-o", "none.parquet")
    assert USER.encode() not in done.stderr + none.stderr + (shop.folder / "s.json").read_bytes()
    assert USER.encode() not in pq.read_schema(shop.folder / "recs.parquet").metadata[METADATA_KEY]


def test_another_key_is_another_run(shop):
    """A file with raw ids, or with pseudonyms of another key, is not taken for up to date."""
    seen = set()
    (shop.folder / "key2").write_text("another secret")
    for flags in (
        [],
        ["--pseudonymize-key-file", "key"],
        ["--pseudonymize-key-file", "key2"],
        ["--drop-users"],
    ):
        assert shop("clean", "orders.csv", "-o", "i.parquet", *flags).returncode == 0
        seen.add(str(pl.read_parquet(shop.folder / "i.parquet")["user_id"].to_list()))
        metadata = pq.read_schema(shop.folder / "i.parquet").metadata[METADATA_KEY]
        assert b"secret" not in metadata
        assert b"key2" not in metadata
    assert len(seen) == 4


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "plain", "1=1", "'=1"]


def test_formulas_are_neutralised_in_csv_and_come_back_raw(shop):
    rows = "".join(f'o{at},u,"{each}"\no{at},u,other\n' for at, each in enumerate(FORMULAS))
    (shop.folder / "orders.csv").write_text("order_id,user_id,product_id\n" + rows)
    for flags, expected in (
        ([], {re.sub(r"^([=+\-@\t])", r"'\1", each) for each in FORMULAS}), (["--raw-csv"], set(FORMULAS)),
    ):  # fmt: skip
        # As written, since a tab at the start of an id does not count otherwise.
        assert shop("clean", "orders.csv", "-o", "i.csv", "--ids-as-written", "-q", *flags).returncode == 0
        with (shop.folder / "i.csv").open(newline="") as stream:
            assert {row["product_id"] for row in csv.DictReader(stream)} - {"other"} == expected
    assert shop("clean", "orders.csv", "-o", "i.parquet", "--ids-as-written", "-q").returncode == 0
    assert set(pl.read_parquet(shop.folder / "i.parquet")["product_id"]) - {"other"} == set(FORMULAS)


def test_ids_never_become_paths(shop):
    hostile = ["../../escape", "/tmp/escape", "a\0b", "~root", "$(touch x)", "`x`"]
    rows = "".join(f"o{at},{each},{each}\no{at},{each},x\n" for at, each in enumerate(hostile))
    (shop.folder / "orders.csv").write_text("order_id,user_id,product_id\n" + rows)
    assert shop("clean", "orders.csv", "-o", "i.parquet", "-q").returncode == 0
    assert shop("train", "i.parquet", "--model", "item-knn", "-o", "m.parquet", "-q").returncode == 0
    assert shop("recommend", "m.parquet", "-o", "r.csv", "-q").returncode == 0
    assert sorted(path.name for path in shop.folder.iterdir()) == [
        "i.parquet",
        "key",
        "m.parquet",
        "orders.csv",
        "r.csv",
    ]


# ---- schema versions and cron


def _as_version(path, version: str) -> None:
    table = pq.read_table(path)
    record = json.loads(table.schema.metadata[METADATA_KEY]) | {
        "schema_version": version,
        "tool_version": "0.0.1",
    }
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(record).encode()}), path)


@pytest.mark.parametrize(
    ("version", "code"), [("1.0", 0), ("0.9", 0), ("1", 0), ("1.999", 65), ("99.0", 65), ("2", 65)]
)
def test_older_files_are_read_and_newer_ones_refused(shop, version, code):
    assert shop("clean", "orders.csv", "-o", "i.parquet", "-q").returncode == 0
    _as_version(shop.folder / "i.parquet", version)
    done = shop("mine", "i.parquet", "--min-count", "1", "-o", "r.parquet", "-q")
    assert done.returncode == code, done.stderr
    if code:
        assert version.encode() in done.stderr
        assert b"upgrade" in done.stderr


def test_cron_can_follow_a_run(shop):
    words = ["clean", "orders.csv", "-o", "i.parquet", "--log-format", "json", "--metrics-file", "m.prom"]
    done = shop(*words)
    records = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert all({"time", "level", "seconds", "peak_memory_bytes"} <= record.keys() for record in records)
    rows = pl.read_parquet(shop.folder / "i.parquet").height
    assert {"step": "write output", "rows": rows}.items() <= next(
        each for each in records if "step" in each
    ).items()
    figures = (shop.folder / "m.prom").read_text()
    assert f'prodassoc_run_rows{{command="clean",output="output"}} {rows}\n' in figures
    assert re.search(r'^prodassoc_run_end_time_seconds\{command="clean"\} \d{10}\.\d+$', figures, re.M)
    for line in figures.splitlines():
        assert re.fullmatch(
            r"# (HELP|TYPE) prodassoc_\w+ .+|prodassoc_\w+\{\w+=\"\w+\"(,\w+=\"\w+\")?\} [\d.]+", line
        )


def test_a_run_with_nothing_to_do_is_seen_to_have_run(shop):
    words = ["clean", "orders.csv", "-o", "i.parquet", "--metrics-file", "m.prom"]
    assert shop(*words).returncode == 0
    (shop.folder / "m.prom").unlink()
    before = (shop.folder / "i.parquet").stat().st_mtime_ns
    again = shop(*words)
    assert again.returncode == 0
    assert b"up to date" in again.stderr
    assert b"\x1b" not in again.stderr
    assert (shop.folder / "i.parquet").stat().st_mtime_ns > before
    assert "end_time" in (shop.folder / "m.prom").read_text()
    assert "rows" not in (shop.folder / "m.prom").read_text().replace("Rows", "")
