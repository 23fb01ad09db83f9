"""`--dry-run` says what would be read, done and written, and does none of it."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from prodassoc_cli.declare import flag_of
from prodassoc_cli.execution.dry_run import rows_of
from prodassoc_cli.settings import CleanConfig, CommonConfig, RecommendConfig
from tests.conftest import SAMPLE, CommandLine, write_small_shop
from tests.embedding.conftest import write_checkpoint

STEPS = {
    "clean": ["orders.csv", "--products", "catalog.csv", "-o", "i.parquet", "--products-output", "p.parquet",
              "--holdout", "last-order", "--holdout-output", "h.parquet"],
    "embed": ["p.parquet", "-o", "e.parquet", "--encoder", "tfidf"],
    "mine": ["i.parquet", "-o", "r.parquet", "--itemsets-output", "s.parquet"],
    "train": ["i.parquet", "-o", "m.parquet", "--products", "p.parquet", "--embeddings", "e.parquet"],
    "recommend": ["m.parquet", "-o", "recs.parquet"],
    "evaluate": ["recs.parquet", "--truth", "h.parquet", "-o", "metrics.parquet", "--report", "page.html"],
    "export": ["checkpoint", "-o", "onnx"],
}  # fmt: skip


def inside(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """What each command said it would do, with the folder it was done in afterwards."""
    folder = tmp_path_factory.mktemp("shop")
    write_small_shop(folder, orders=8_000, catalog=400)
    write_checkpoint(folder / "checkpoint")
    run, said = CommandLine(folder), {}
    for command, words in STEPS.items():
        before = inside(folder)
        done = run(command, *words, "--dry-run", "--summary", "summary.json", "--seed", "7")
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == b""
        assert inside(folder) == before
        said[command] = done.stderr.decode()
        done = run(command, *words)
        assert done.returncode == 0, done.stderr.decode()
    return folder, said


@pytest.mark.parametrize("command", STEPS)
def test_it_names_every_file_read_and_written(planned, command):
    _, said = planned
    for word in STEPS[command]:
        if "." in word or word in ("checkpoint", "onnx"):
            assert word.rsplit("/", maxsplit=1)[-1] in said[command]
    assert re.search(r"would read \w+ from \S+ \((about )?[\d,]+ (rows?|bytes)", said[command])
    if command != "export":
        assert "draw by seed 7" in said[command]
        assert "summary.json" in said[command]
        assert re.search(r"at least [\d,]+ MB of [\d,]+ MB", said[command])


@pytest.mark.parametrize("command", ["clean", "embed", "train", "recommend"])
def test_its_estimates_are_of_the_right_size(planned, command):
    folder, said = planned
    found = re.findall(r"would write \w+ to (\S+) as parquet, about ([\d.]+) (MB|kB)", said[command])
    assert found
    for name, number, unit in found:
        estimate = float(number) * {"MB": 1e6, "kB": 1e3}[unit]
        assert 1 / 3 < estimate / (folder / name).stat().st_size < 3, name


def test_it_tells_that_there_is_nothing_to_do(planned):
    folder, _ = planned
    before = inside(folder)
    done = CommandLine(folder)("mine", *STEPS["mine"], "--dry-run")
    assert "nothing would be done: the output is up to date" in done.stderr.decode()
    assert inside(folder) == before
    done = CommandLine(folder)("mine", *STEPS["mine"], "--dry-run", "--force")
    assert "would make baskets" in done.stderr.decode()


def test_it_tells_what_is_missing(prodassoc):
    assert prodassoc("mine", "no.parquet", "--dry-run").returncode == 66


def test_it_speaks_json_too(prodassoc):
    done = prodassoc(
        "clean", str(SAMPLE / "orders.csv"), "-o", "i.parquet", "--dry-run", "--log-format", "json"
    )
    lines = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert any("would read orders" in line for line in lines)


def test_rows_are_estimated_from_the_first_lines(tmp_path):
    content = (SAMPLE / "orders.csv").read_bytes()
    rows = content.count(b"\n") - 1
    (tmp_path / "orders.csv").write_bytes(content)
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "small.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n"))
    for name in ("orders.csv", "orders.csv.gz"):
        found, counted = rows_of(tmp_path / name)
        assert not counted
        assert abs(found - rows) < 0.05 * rows, name
    assert rows_of(tmp_path / "small.csv.gz") == (2, False)
    (tmp_path / "empty").touch()
    assert rows_of(tmp_path / "empty")[0] in (0, None)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(content)[:100])
    assert rows_of(tmp_path / "cut.gz")[1] is False


def test_flags_are_named_as_they_are_written():
    def flag(config, name):
        return flag_of(config.__dataclass_fields__[name])

    assert flag(CleanConfig, "dayfirst") == "--dayfirst"
    assert flag(CommonConfig, "output") == "--output"
    assert flag(RecommendConfig, "k") == "-k"
    assert flag(RecommendConfig, "for_") == "--for"
    assert flag(RecommendConfig, "reasons") == "--reasons"
    assert flag(CleanConfig, "min_item_count") == "--min-item-count"
