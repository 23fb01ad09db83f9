"""Spark for the tests: a session in this process, and real servers on loopback."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

from tests.engines.cluster import Cluster, ConnectServer


def missing() -> str:
    """Return what Spark lacks on this machine; empty where it can run."""
    if importlib.util.find_spec("pyspark") is None:
        return 'pyspark: pip install "prodassoc[spark]"'
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")):
        return "Java 17"
    return ""


def pytest_collection_modifyitems(items):
    """Skip what is marked as needing Spark where it cannot run."""
    if missing():
        for item in items:
            if item.get_closest_marker("spark"):
                item.add_marker(pytest.mark.skip(reason=f"needs {missing()}"))


@pytest.fixture(scope="session")
def spark():
    """A session on two threads of this process's own Java."""
    from prodassoc_cli.engines.session import spark_session

    with spark_session("local[2]", {"spark.sql.shuffle.partitions": "4"}) as session:
        yield session


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A standalone master and two workers on loopback."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory):
    """A Spark Connect server on loopback."""
    with ConnectServer(tmp_path_factory.mktemp("connect")) as running:
        yield running
