"""A Spark session for one run: found, started, checked and closed, its failures turned into errors of ours.

Nothing here needs Spark until a session is opened: the package `pyspark` is an extra.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from prodassoc_cli.errors import BadConfig, BadData, CannotCreate, IOFailure, NoInput, UsageProblem
from prodassoc_cli.settings.engine import EngineConfig

MIN_VERSION = (4, 1)
"""Release of PySpark with what is used here."""

_PATIENCE = 10
"""Seconds to wait for a master to answer."""
_INSTALL = 'pip install "prodassoc[spark]"'
_LOCAL = re.compile(r"local(\[|$)")
_MASTER = re.compile(r"local(\[[\w*, ]+\])?$|yarn$|(spark|sc)://[^/]+|k8s://")
_LOOPBACK = re.compile(r"(spark|sc)://(localhost|127\.[\d.]+|\[::1\])(:|/|$)")
_SETTINGS = {
    "spark.app.name": "prodassoc",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
}
"""How a session is made, unless --spark-conf says otherwise."""

_OURS = {each.__name__: each for each in (BadData, UsageProblem, NoInput, CannotCreate, IOFailure)}
"""Errors that executors raise."""

_SIGNS_OF_LOSS = (
    "ExecutorLostFailure", "All masters are unresponsive", "stopped SparkContext", "was shut down",
    "UNAVAILABLE", "Connection refused", "Retries exceeded",
)  # fmt: skip

_SQL_SETTINGS = {
    # Partitions hold searches, not bytes: few bytes can be much work, so small ones are not put together.
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    # Times are compared and written as they stand in the files.
    "spark.sql.session.timeZone": "UTC",
}


@contextlib.contextmanager
def spark_session(master: str, options: Mapping[str, str]) -> Iterator[Any]:
    """Open a Spark session, and close it at the end; what fails inside becomes an error of ours.

    Args:
        master: `local[2]`, `spark://host:port`, `yarn`, … or `sc://host:port` for Spark Connect.
        options: Spark's own settings, which go before ours.

    Yields:
        The `SparkSession`.

    Raises:
        UsageProblem: `pyspark` is missing, or is not the package that this master needs.
        BadConfig: no Java, an old PySpark, or executors whose Python lacks prodassoc.
        IOFailure: the master is not there, or the cluster gave up.
    """
    if not _MASTER.match(master):
        raise UsageProblem(
            f"`master={master}` is none of Spark's", "write it like local[2] or spark://host:7077"
        )
    remote = master.startswith("sc://")
    _check_package(remote)
    _check_reachable(master)
    if not remote:
        _check_java()
        _prepare_environment(master)
    # PySpark warns of pandas 3, which is not used here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    with _told(master), _quiet() as log:
        spark = _connected(master, options) if remote else _started(master, options, log)
        try:
            for name, value in _SQL_SETTINGS.items():
                if name not in options:
                    spark.conf.set(name, value)
            yield spark
        finally:
            with contextlib.suppress(Exception):  # a session that has died is closed
                spark.stop()


@contextlib.contextmanager
def configured_session(config: EngineConfig) -> Iterator[Any]:
    """Open the session that the options of a stage ask for; see `spark_session`.

    Raises:
        UsageProblem: a setting of Spark has no value.
    """
    pairs = [each.partition("=") for each in config.spark_conf]
    wrong = next((name for name, equals, _ in pairs if not (name and equals)), None)
    if wrong is not None:
        raise UsageProblem(f"`spark_conf`: '{wrong}' is no setting", "write it like spark.executor.memory=2g")
    with spark_session(config.master, {name: value for name, _, value in pairs}) as spark:
        yield spark


def parallelism(spark: Any) -> int:  # noqa: ANN401 — a SparkSession
    """Return into how many partitions the session shuffles."""
    return int(spark.conf.get("spark.sql.shuffle.partitions"))


def file_uris(paths: list[Path]) -> list[str]:
    """Return files as the addresses Spark reads them by; its wildcards in a name stand for themselves."""
    return ["file://" + re.sub(r"([*?\[\]{}\\])", r"\\\1", str(path.resolve())) for path in paths]


def _check_package(remote: bool) -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise UsageProblem("`engine=spark` needs the package pyspark", _INSTALL)
    import pyspark

    numbers = tuple(int(each) for each in re.findall(r"\d+", pyspark.__version__)[:2])
    if numbers < MIN_VERSION:
        raise BadConfig(f"pyspark {pyspark.__version__} is older than 4.1", _INSTALL)
    home = Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)
    if not remote and not (home / "jars").is_dir():
        raise UsageProblem(
            "this pyspark is the thin client: it only speaks to `master=sc://…`",
            "pip uninstall pyspark-client && pip install --force-reinstall pyspark",
        )


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise BadConfig(
            f"Spark needs Java, and JAVA_HOME={home} holds none"
            if home
            else "Spark needs Java: there is none",
            "install Java 17, and set JAVA_HOME to its folder if java is not on the PATH",
        )


def _check_reachable(master: str) -> None:
    """See whether anyone listens at the master's address; Spark itself would try for a minute."""
    addresses = re.findall(r"(?:^(?:spark|sc)://|,)(\[[\da-fA-F:]+\]|[^:,/;]+):(\d+)", master)
    for host, port in addresses:
        with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), _PATIENCE):
            return
    if addresses:
        raise IOFailure(f"cannot connect to {master}", "is the address right, and is Spark running there?")


def _prepare_environment(master: str) -> None:
    """Ensure that workers of this machine run the same Python, and that nothing listens to the network."""
    if _LOCAL.match(master) or _LOOPBACK.match(master):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _started(master: str, options: Mapping[str, str], log: BinaryIO) -> Any:  # noqa: ANN401 — a SparkSession
    """Start Spark's driver in this process."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master)
    settings = dict(_SETTINGS)
    if _LOCAL.match(master) or _LOOPBACK.match(master):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        source = str(Path(__file__).parents[2])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        settings["spark.executorEnv.PYTHONPATH"] = os.pathsep.join(paths)
    for name, value in (settings | dict(options)).items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as problem:
        if "JAVA_GATEWAY_EXITED" not in str(problem):
            raise
        log.seek(0)
        text = log.read().decode(errors="replace")
        if "UnsupportedClassVersionError" in text:
            raise BadConfig("this Java is older than 17", "install Java 17, and set JAVA_HOME") from problem
        words = (
            re.findall(r"^(?:Error|Exception|Unrecognized).*", text, re.MULTILINE) or text.splitlines()[-1:]
        )
        raise BadConfig(f"Java could not start Spark: {' '.join(words[:1])}", "see `spark_conf`") from problem
    if "spark.sql.shuffle.partitions" not in options:
        # Three tasks a core, so that one that takes longer is made up for.
        spark.conf.set("spark.sql.shuffle.partitions", 3 * max(2, spark.sparkContext.defaultParallelism))
    return spark


def _connected(master: str, options: Mapping[str, str]) -> Any:  # noqa: ANN401 — a SparkSession
    """Connect to a Spark Connect server."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.remote(master)
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@contextlib.contextmanager
def _quiet() -> Iterator[BinaryIO]:
    """Keep what Java writes to standard error in a file; its errors come as exceptions."""
    with tempfile.TemporaryFile(prefix="prodassoc-spark-") as log:
        own = os.dup(2)
        stderr = sys.stderr
        try:
            with os.fdopen(os.dup(own), "w", buffering=1) as stream:
                sys.stderr = stream
                os.dup2(log.fileno(), 2)
                yield log
        finally:
            sys.stderr = stderr
            os.dup2(own, 2)
            os.close(own)


@contextlib.contextmanager
def _told(master: str) -> Iterator[None]:
    """Turn what Spark raises inside the block into an error a user can fix."""
    from pyspark.errors import PySparkException

    java: tuple[type[Exception], ...] = (PySparkException,)
    if importlib.util.find_spec("py4j") is not None:
        from py4j.protocol import Py4JError

        java = (PySparkException, Py4JError)
    try:
        yield
    except java as problem:
        raise _meaning(str(problem), master) or problem from problem


def _meaning(text: str, master: str) -> Exception | None:
    """Return what an exception of Spark means; None where it is an internal error."""
    ours = re.search(r"prodassoc_cli\.errors\.(\w+): ([^\n]+)", text)
    if ours:
        return _OURS.get(ours[1], BadData)(ours[2])
    if re.search(r"No module named '?(prodassoc_cli|numba|polars|pyarrow)", text):
        return BadConfig(
            "the executors' Python has no prodassoc",
            "install this version of prodassoc there, and set PYSPARK_PYTHON to that Python",
        )
    if "PYTHON_VERSION_MISMATCH" in text:
        return BadConfig("the executors run another Python than this one", "set PYSPARK_PYTHON to the same")
    if "PATH_NOT_FOUND" in text or "FileNotFoundException" in text:
        return BadData(
            f"the executors of {master} cannot read the input",
            "put it on a file system that this machine and the executors share",
        )
    lost = next((each for each in _SIGNS_OF_LOSS if each in text), None)
    if lost:
        return IOFailure(
            f"Spark at {master} is not there, or gave up: {lost}", "look at its logs, then run again"
        )
    return None
