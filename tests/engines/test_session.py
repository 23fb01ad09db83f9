"""What a user is told when Spark cannot run. Nothing here needs Spark."""

from __future__ import annotations

import socket

import pytest

from prodassoc_cli.engines import session
from prodassoc_cli.errors import BadConfig, BadData, IOFailure, UsageProblem
from tests.conftest import SAMPLE
from tests.engines.cluster import free_port


@pytest.fixture
def cleaned(prodassoc):
    done = prodassoc("clean", str(SAMPLE / "orders.csv"), "-o", "i.parquet")
    assert done.returncode == 0
    return prodassoc


def test_without_pyspark_the_pip_command_is_named(cleaned):
    # A finder that hides the package, as if it were not installed.
    (cleaned.folder / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'pyspark' else find(name, package)\n"
    )
    from tests.conftest import ROOT

    done = cleaned.started(
        "mine", "i.parquet", "-o", "r.parquet", "--engine", "spark",
        env={"PYTHONPATH": f"{cleaned.folder}:{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-2:] == [
        "prodassoc mine: error: --engine spark needs the package pyspark",
        '  pip install "prodassoc[spark]"',
    ]
    assert not (cleaned.folder / "r.parquet").exists()


@pytest.mark.spark
def test_without_java(cleaned):
    done = cleaned(
        "mine", "i.parquet", "-o", "r.parquet", "--engine", "spark", env={"JAVA_HOME": str(cleaned.folder)}
    )
    assert done.returncode == 78
    assert b"Java" in done.stderr.splitlines()[-2]


@pytest.mark.spark
def test_the_thin_client_is_told_from_the_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    with pytest.raises(UsageProblem, match="thin client"):
        session._check_package(remote=False)
    session._check_package(remote=True)


def test_standard_input_stays_here(cleaned):
    data = (cleaned.folder / "i.parquet").read_bytes()
    done = cleaned("mine", "-", "-o", "r.parquet", "--engine", "spark", stdin=data)
    assert done.returncode == 2
    assert b"cannot read standard input" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--algorithm", "apriori"], b"--engine spark does not do --algorithm"),
        (["--spark-conf", "spark.executor.memory"], b"'spark.executor.memory' is no setting"),
    ],
)
def test_what_the_engine_does_not_do_is_refused(cleaned, words, told):
    done = cleaned("mine", "i.parquet", "-o", "r.parquet", "--engine", "spark", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_another_kind_is_refused_before_spark_starts(cleaned):
    done = cleaned(
        "clean", str(SAMPLE / "orders.csv"), "-o", "i.parquet", "--products", str(SAMPLE / "catalog.csv"),
        "--products-output", "p.parquet", "--force",
    )  # fmt: skip
    assert done.returncode == 0
    done = cleaned("mine", "p.parquet", "-o", "r.parquet", "--engine", "spark")
    assert done.returncode == 65
    assert b"holds products, not interactions" in done.stderr


def test_a_master_that_is_no_master(cleaned):
    done = cleaned("mine", "i.parquet", "-o", "r.parquet", "--engine", "spark", "--master", "loacl[2]")
    assert done.returncode == 2
    assert b"--master 'loacl[2]'" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.spark
@pytest.mark.parametrize(
    "form", ["spark://127.0.0.1:{}", "sc://127.0.0.1:{}/;user_id=u", "spark://127.0.0.1:{0},[::1]:{0}"]
)
def test_a_master_that_is_not_there_is_told_at_once(cleaned, form):
    master = form.format(free_port())
    done = cleaned("mine", "i.parquet", "-o", "r.parquet", "--engine", "spark", "--master", master)
    assert done.returncode == 74
    assert f"cannot connect to {master}" in done.stderr.decode()


def test_any_of_several_masters_will_do():
    with socket.create_server(("127.0.0.1", 0)) as server:
        session._check_reachable(f"spark://127.0.0.1:{free_port()},127.0.0.1:{server.getsockname()[1]}")
        session._check_reachable("local[2]")
        session._check_reachable("yarn")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("... ModuleNotFoundError: No module named 'prodassoc_cli'", BadConfig),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has different version", BadConfig),
        ("[PATH_NOT_FOUND] Path does not exist: file:/x", BadData),
        ("Job aborted due to stage failure: ... ExecutorLostFailure (executor 1 exited", IOFailure),
        ("prodassoc_cli.errors.BadData: a text\n at", BadData),
        ("KeyError: 1", type(None)),
    ],
)
def test_what_spark_raises_becomes_a_word_of_ours(text, kind):
    assert isinstance(session._meaning(text, "spark://h:1"), kind)


def test_names_with_wildcards_stand_for_themselves(tmp_path):
    assert session.file_uris([tmp_path / "a[1]*.parquet"]) == [f"file://{tmp_path}/a\\[1\\]\\*.parquet"]
