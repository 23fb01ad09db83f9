from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 30


@pytest.fixture
def shown(prodassoc):
    """Return how many rows `inspect` shows with the given flags and variables."""
    pq.write_table(pa.table({"a": range(ROWS)}), prodassoc.folder / "a.parquet")

    def rows(*flags: str, **env: str) -> int:
        done = prodassoc("inspect", "a.parquet", "--format", "jsonl", *flags, env=env)
        assert done.returncode == 0, done.stderr
        return len(json.loads(done.stdout)["head"])

    return rows


def test_flag_over_variable_over_toml_over_default(prodassoc, shown):
    assert shown() == 10
    (prodassoc.folder / "prodassoc.toml").write_text("[inspect]\nrows = 3\n")
    assert shown() == 3
    assert shown(PRODASSOC_INSPECT_ROWS="4") == 4
    assert shown("--rows", "5", PRODASSOC_INSPECT_ROWS="4") == 5


def test_a_named_config_file(prodassoc, shown):
    (prodassoc.folder / "mine.toml").write_text("seed = 7\n[inspect]\nrows = 2\n[mine]\nmin-support = 0.1\n")
    assert shown("--config", "mine.toml") == 2


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[inspect]\nrowz = 3\n", "did you mean 'rows'?"),
        ("[inspct]\nrows = 3\n", "did you mean 'inspect'?"),
        ("thread = 3\n", "did you mean 'threads'?"),
        ("[inspect]\nrows = 'many'\n", "rows"),
        ("[inspect]\nrows = -1\n", "rows"),
        ("rows = [", "not TOML"),
    ],
)
def test_a_wrong_config_file_exits_with_78(prodassoc, toml, words):
    (prodassoc.folder / "prodassoc.toml").write_text(toml)
    done = prodassoc("inspect", "a.parquet")
    assert done.returncode == 78
    assert words in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) <= 2


def test_a_missing_config_file(prodassoc):
    assert prodassoc("inspect", "a.parquet", "--config", "no.toml").returncode == 78


def test_a_wrong_variable_exits_with_78(prodassoc):
    assert prodassoc("inspect", "a.parquet", env={"PRODASSOC_INSPECT_ROWS": "x"}).returncode == 78


@pytest.mark.parametrize(
    "words", [["--rows", "x"], ["--rows", "-1"], ["--rowz", "1"], ["--memory-limit", "lots"]]
)
def test_a_wrong_flag_exits_with_2(prodassoc, words):
    (prodassoc.folder / "a.parquet").write_bytes(b"")
    done = prodassoc("inspect", "a.parquet", *words)
    assert done.returncode == 2
    assert len(done.stderr.decode().splitlines()) <= 2


def test_a_misspelt_command_names_the_right_one(prodassoc):
    done = prodassoc("reccomend")
    assert done.returncode == 2
    assert "recommend" in done.stderr.decode()


def test_log_format_json_is_one_object_a_line(prodassoc):
    done = prodassoc("inspect", "no.parquet", "--log-format", "json")
    assert done.returncode == 66
    record = json.loads(done.stderr)
    assert record["level"] == "error"
    assert "no.parquet" in record["message"]
