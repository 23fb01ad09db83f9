"""A process that has imported all of prodassoc once and forks for each command line.

Most of what a short run takes is imports. A fork is a process of its own in all that tests look at:
arguments, environment, working folder, standard streams and exit code. What is about starting (imports,
signals, memory, time) is tested on processes that start.

    python -m tests.fork_server serve SOCKET        serves
    python tests/fork_server.py run SOCKET WORDS    runs one command line, as `prodassoc WORDS` would
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

IMPORTED = (
    "polars", "pyarrow.csv", "pyarrow.parquet", "sklearn.cluster", "sklearn.feature_extraction.text",
    "tokenizers", "rich.console", "prodassoc_cli.app", "prodassoc_cli.artifacts.discover",
    "prodassoc_cli.stages.clean", "prodassoc_cli.stages.embed", "prodassoc_cli.stages.mine",
    "prodassoc_cli.stages.train", "prodassoc_cli.stages.recommend", "prodassoc_cli.stages.evaluate",
    "prodassoc_cli.embedding.encoders.tfidf", "prodassoc_cli.intake.pipeline",
    "prodassoc_cli.mining.stage", "prodassoc_cli.models.hybrid.fusion",
    "prodassoc_cli.models.kernels.als", "prodassoc_cli.models.kernels.ease",
    "prodassoc_cli.models.kernels.reasons", "prodassoc_cli.models.kernels.sparse",
    "prodassoc_cli.models.kernels.spectral", "prodassoc_cli.models.serving.recommend",
    "prodassoc_cli.models.storage.artifact", "prodassoc_cli.evaluation.compare",
)  # fmt: skip
_LONGEST = 1 << 20
_SHARED = "PRODASSOC_TESTS_SERVER"


def request(path: str, words: list[str], cwd: str, env: dict[str, str], streams: list[int]) -> int:
    """Run a command line, or the program after `-c`, in a fork; return its exit code, or minus a signal."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        body = json.dumps({"words": words, "cwd": cwd, "env": env}).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
        link.sendmsg([len(body).to_bytes(8, "little")], rights)
        link.sendall(body)
        answer = link.recv(64)
    return int(answer or b"-9")


def serve(path: str) -> None:
    """Import everything, then fork for each request until the socket's folder is gone."""
    from importlib import import_module

    from prodassoc_cli.resources import place_kernel_cache, use_threads

    use_threads(None)
    place_kernel_cache()
    for module in IMPORTED:
        import_module(module)
    # A fork has only the thread that forks: pools that ran would be lost. Allocators prepare for forks.
    assert threading.active_count() == 1
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()  # so that a fork's collector neither looks at what was imported nor copies it
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(16)
        print("ready", flush=True)
        while True:
            link, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _answer(link)
            link.close()


def _answer(link: socket.socket) -> None:
    """Run what is asked for in a child, and answer with its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, rights, *_ = link.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    size, body = int.from_bytes(head, "little"), b""
    while len(body) < size:
        body += link.recv(_LONGEST)
    streams = array.array("i", rights[0][2])
    # A process of this kind ends without taking its interpreter down, which would copy all that it was born
    # with: a third of a CPU second for each command line.
    child = multiprocessing.get_context("fork").Process(target=_run, args=(json.loads(body), streams))
    child.start()
    for each in streams:
        os.close(each)
    child.join()
    with contextlib.suppress(OSError):
        link.sendall(str(child.exitcode).encode())
    os._exit(0)


def _run(asked: dict, streams: array.array) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # `share_threads` comes before polars is imported
    tempfile.tempdir = None  # found anew, where TMPDIR says
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        errors = "backslashreplace" if name == "stderr" else None
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors=errors, closefd=False))
    if asked["words"][:1] == ["-c"]:
        exec(asked["words"][1], {"__name__": "__main__"})
        return
    sys.argv = ["prodassoc", *asked["words"]]
    from prodassoc_cli.app import main

    main()


def share(root: Path) -> None:
    """Let the processes that this one starts use its server."""
    os.environ[_SHARED] = socket_of_server(root)


@cache
def socket_of_server(root: Path) -> str:
    """Return the path of the socket of a server, which is started where none is shared."""
    if _SHARED in os.environ:
        return os.environ[_SHARED]
    folder = tempfile.mkdtemp(prefix="prodassoc-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = f"{folder}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fork_server", "serve", path],
        cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    atexit.register(server.kill)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path


def write_program(path: Path, root: Path) -> None:
    """Write a program for shells that runs command lines in forks."""
    path.parent.mkdir(exist_ok=True)
    words = f'"{sys.executable}" -I -S "{__file__}" run "{socket_of_server(root)}"'
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)


if __name__ == "__main__":
    verb, socket_path, *given = sys.argv[1:]
    if verb == "serve":
        serve(socket_path)
    sys.exit(request(socket_path, given, os.getcwd(), dict(os.environ), [0, 1, 2]))
