# ruff: noqa: E501 — lines of data
"""SIGINT and SIGTERM within seconds wherever the run is, broken pipes, closed streams."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, cpu_seconds

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PROMISED_SECONDS = 5.0
"""By the clock, or of a processor where other work keeps both busy."""

# Stand-ins for work that does not return to the interpreter for a minute, each inside a real library.
STUCK = {
    "numba": """
        import numba, numpy as np
        @numba.njit("i8(i8)", nogil=True)
        def spin(n):
            x = 1
            for i in range(n):
                x = (x * 6364136223846793005 + i) % 9223372036854775807
            return x
        where.touch(); spin(1 << 42)
    """,
    "polars": """
        import polars as pl
        big = pl.select(x=pl.int_range(0, 40_000)).lazy()
        where.touch(); big.join(big, how="cross").select((pl.col("x") * pl.col("x_right")).sin().sum()).collect()
        big.join(big, how="cross").join(big, how="cross").select((pl.col("x") % 7).sum()).collect()
    """,
    "onnxruntime": """
        import numpy as np, onnxruntime, onnx
        from onnx import TensorProto as T, helper as h
        body = h.make_graph(
            [h.make_node("MatMul", ["m", "m"], ["p"]), h.make_node("Tanh", ["p"], ["m2"]), h.make_node("Identity", ["c"], ["c2"])],
            "body",
            [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("c", T.BOOL, []), h.make_tensor_value_info("m", T.FLOAT, [400, 400])],
            [h.make_tensor_value_info("c2", T.BOOL, []), h.make_tensor_value_info("m2", T.FLOAT, [400, 400])],
        )
        graph = h.make_graph(
            [h.make_node("Loop", ["n", "t", "x"], ["y"], body=body)], "g",
            [h.make_tensor_value_info("x", T.FLOAT, [400, 400])], [h.make_tensor_value_info("y", T.FLOAT, [400, 400])],
            [h.make_tensor("n", T.INT64, [], [10**9]), h.make_tensor("t", T.BOOL, [], [True])],
        )
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        where.touch(); session.run(None, {"x": np.eye(400, dtype=np.float32)})
    """,
    "python": """
        where.touch(); time.sleep(60)
    """,
}  # fmt: skip

PROGRAM = """
import sys, time
from pathlib import Path
from prodassoc_cli import app
from prodassoc_cli.artifacts.outputs import Outputs
def stuck(arguments):
    out, where = Path("out"), Path("stuck")
    with Outputs([out]) as files:
        files.file(out).write(b"half")
{body}
app._run = stuck
app.main()
"""


def assert_in_time(sent: float, before: float) -> None:
    """A run that was sent a signal ended in time; the CPU seconds are of its start too."""
    spent = cpu_seconds(resource.RUSAGE_CHILDREN) - before
    assert min(time.monotonic() - sent, spent) < PROMISED_SECONDS


@pytest.mark.parametrize("where", STUCK)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_time(tmp_path, where, number, code):
    if where == "onnxruntime":
        pytest.importorskip("onnx")
    body = "\n".join(line[4:].rjust(len(line)) if line.strip() else "" for line in STUCK[where].split("\n"))
    (tmp_path / "out").write_text("old")
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body), "mine"], cwd=tmp_path, env=ENVIRONMENT,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "stuck").exists():
        assert run.poll() is None, run.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    sent, before = time.monotonic(), cpu_seconds(resource.RUSAGE_CHILDREN)
    run.send_signal(number)
    assert run.wait(60) == code, run.stderr.read().decode()
    assert_in_time(sent, before)
    assert (tmp_path / "out").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["out", "stuck"]


@pytest.mark.parametrize("after", [0.2, 0.5, 0.9])
def test_a_real_run(corpus, tmp_path, after):
    words = ["clean", str(corpus / "orders.csv"), "-o", "out.parquet", "--rejects-output", "r.csv"]
    run = subprocess.Popen(
        [sys.executable, "-m", "prodassoc_cli", *words], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE
    )
    time.sleep(after)
    sent, before = time.monotonic(), cpu_seconds(resource.RUSAGE_CHILDREN)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=60)
    assert run.returncode in (143, -signal.SIGTERM, 0)  # before Python is up, and after the end
    assert_in_time(sent, before)
    assert b"Traceback" not in said
    if run.returncode:
        assert sorted(os.listdir(tmp_path)) in ([], ["out.parquet", "r.csv"])


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "interactions.parquet", "--rows", "10000", "--format", "jsonl"],
        ["recommend", "knn.parquet", "-o", "-", "--format", "csv"],
        ["clean", "orders.csv", "-o", "-"],
        ["recommend", "knn.parquet", "-o", "-", "--format", "table"],
        ["mine", "--help"],
    ],
)
def test_a_broken_pipe_is_silent(corpus, words):
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-m", "prodassoc_cli", *words, *([] if "--help" in words else ["-q"])], cwd=corpus, env=ENVIRONMENT, stdout=writing,
        stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert run.stderr == b""
    assert run.returncode == 141


@pytest.fixture(scope="module")
def cleaned(corpus, tmp_path_factory):
    """Return the bytes of `clean` where nothing is closed."""
    path = tmp_path_factory.mktemp("cleaned") / "out.parquet"
    clean = [sys.executable, "-m", "prodassoc_cli", "clean", "orders.csv", "-o", str(path), "-q"]
    subprocess.run(clean, cwd=corpus, env=ENVIRONMENT, check=True)
    return path.read_bytes()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(corpus, tmp_path, cleaned, closed):
    """Neither a stream that is missing nor a file that took its number spoils the output."""
    line = f"exec {sys.executable} -m prodassoc_cli clean orders.csv -o {tmp_path}/out.parquet {closed}"
    run = subprocess.run(["sh", "-c", line], cwd=corpus, env=ENVIRONMENT, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out.parquet").read_bytes() == cleaned


def test_standard_output_that_is_closed(corpus):
    line = f"exec {sys.executable} -m prodassoc_cli clean orders.csv -q -o - >&-"
    run = subprocess.run(["sh", "-c", line], cwd=corpus, env=ENVIRONMENT, capture_output=True, check=False)
    assert run.returncode == 74
    assert len(run.stderr.splitlines()) in (1, 2)
