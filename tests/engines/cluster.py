"""Spark's own servers on loopback, started by `spark-class` and stopped again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT

PATIENCE = 180
"""Seconds until a server that does not come up is given up."""


class Servers:
    """Processes that were started together and end together, each the leader of its own group."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start(self) -> None:
        raise NotImplementedError

    def spark_class(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a class of Spark; what it says goes to `name.log`."""
        import pyspark

        environment = {
            **os.environ,
            "SPARK_HOME": str(Path(pyspark.__file__).parent),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "600m",
            # The master's REST port takes jobs from anyone who reaches it.
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false -Dspark.master.ui.port=0",
            "SPARK_LOG_DIR": str(self.folder),
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(Path(environment["SPARK_HOME"]) / "bin" / "spark-class"), *words],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def wait_for(self, name: str, words: str, times: int = 1) -> None:
        """Wait until a log says something so often."""
        deadline = time.monotonic() + PATIENCE
        while self.log(name).count(words) < times:
            ended = [each for each in self.running if each.poll() is not None]
            assert not ended, self.log(name)[-2000:]
            assert time.monotonic() < deadline, f"{name} never said {words!r}: {self.log(name)[-2000:]}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


class Cluster(Servers):
    """A standalone master and two workers of one core each."""

    def start(self) -> None:
        port = free_port()
        self.master = f"spark://127.0.0.1:{port}"
        deploy = "org.apache.spark.deploy"
        self.spark_class(
            "master",
            f"{deploy}.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--webui-port",
            "0",
        )
        self.wait_for("master", "New state: ALIVE")
        for name in ("worker-1", "worker-2"):
            self.spark_class(
                name, f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0",
                "--cores", "1", "--memory", "1200m", "--work-dir", str(self.folder / name), self.master,
            )  # fmt: skip
        self.wait_for("master", "Registering worker", times=2)

    def executors(self, name: str) -> list[int]:
        """Return the executors of a worker: the Java processes it has started."""
        worker = self.running[1 if name == "worker-1" else 2]
        return [child for child in children(worker.pid) if "CoarseGrainedExecutorBackend" in words_of(child)]


class ConnectServer(Servers):
    """Spark Connect on two threads of one process."""

    def start(self) -> None:
        port = free_port()
        self.master = f"sc://127.0.0.1:{port}"
        settings = {
            "spark.master": "local[2]",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.sql.shuffle.partitions": "4",
            "spark.ui.enabled": "false",
        }
        options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        self.spark_class(
            "connect", "org.apache.spark.deploy.SparkSubmit", *options,
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal",
        )  # fmt: skip
        self.wait_for("connect", "Spark Connect server started at")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def children(parent: int) -> list[int]:
    """Return the processes below one, at any depth."""
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                below.setdefault(int(status[1]), []).append(int(folder.name))
    found, to_visit = [], [parent]
    while to_visit:
        here = below.get(to_visit.pop(), [])
        found += here
        to_visit += here
    return found


def words_of(process: int) -> str:
    """Return the command line of a process; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
