from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import pytest

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.resources import (
    memory_budget,
    place_kernel_cache,
    prefetch,
    run_in_background,
    share_threads,
    use_freed_memory_again,
    use_threads,
)


@pytest.fixture
def read_only(monkeypatch, tmp_path):
    """A package folder that cannot be written, and nothing else of this machine's."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path
    os.environ.pop("NUMBA_CACHE_DIR", None)


def test_kernels_stay_beside_the_code_where_they_can(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    place_kernel_cache(tmp_path)
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_kernels_go_to_the_cache_folder_of_the_user(read_only):
    place_kernel_cache(read_only)
    assert os.environ["NUMBA_CACHE_DIR"] == str(read_only / "cache" / "prodassoc")


def test_without_a_home_they_go_to_a_private_temporary_folder(read_only, monkeypatch):
    (read_only / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(read_only / "file"))
    place_kernel_cache(read_only)
    folder = os.environ["NUMBA_CACHE_DIR"]
    assert folder == str(read_only / "tmp" / f"prodassoc-{os.getuid()}")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_a_folder_that_others_may_write_is_not_trusted(read_only, monkeypatch):
    (read_only / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(read_only / "file"))
    planted = read_only / "tmp" / f"prodassoc-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    place_kernel_cache(read_only)
    assert os.environ["NUMBA_CACHE_DIR"] != str(planted)


@pytest.mark.parametrize(
    ("text", "bytes_"), [("8GB", 8 * 10**9), ("512MiB", 512 * 2**20), ("1.5g", 1.5 * 10**9), ("1000", 1000)]
)
def test_sizes(text, bytes_):
    assert memory_budget(text) == bytes_


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "8 apples", "0"])
def test_what_is_not_a_size(text):
    with pytest.raises(UsageProblem):
        memory_budget(text)


def test_by_default_a_share_of_what_is_free():
    assert 10**8 < memory_budget(None) < 10**13


def test_linear_algebra_has_one_thread(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    assert use_threads(3) == 3
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ["POLARS_MAX_THREADS"] == "3"


def test_the_allocator_of_polars_keeps_freed_memory():
    program = (
        "import os, sys\n"
        "from prodassoc_cli import resources; resources.use_freed_memory_again()\n"
        "assert 'polars' not in sys.modules\n"
        "os.environ['_RJEM_MALLOC_CONF'] += ',stats_print:true'\n"
        "import polars"
    )
    environment = {name: text for name, text in os.environ.items() if name != "_RJEM_MALLOC_CONF"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=environment
    )
    told = dict(line.strip().partition(": ")[::2] for line in done.stderr.splitlines())
    assert "nvalid" not in done.stderr
    assert (told["opt.narenas"], told["opt.oversize_threshold"]) == ("1", "0")
    assert told["opt.dirty_decay_ms"].split()[0] == "2000"


@pytest.mark.parametrize("told", ["thp:always", "dirty_decay_ms:500,muzzy_decay_ms:1000,thp:always"])
def test_the_allocator_keeps_what_the_user_set(monkeypatch, told):
    monkeypatch.setattr(os, "environ", {"_RJEM_MALLOC_CONF": told})
    use_freed_memory_again()
    assert os.environ == {"_RJEM_MALLOC_CONF": told}


def test_what_polars_set_itself_is_not_taken_for_the_users_choice():
    ask = (
        "import os; from prodassoc_cli import resources; resources.use_freed_memory_again()\n"
        "print(os.environ['_RJEM_MALLOC_CONF'])"
    )
    start = f"import polars, subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}], check=True)"
    environment = {name: text for name, text in os.environ.items() if name != "_RJEM_MALLOC_CONF"}
    told = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=environment
        ).stdout
        for program in (ask, start)
    ]
    assert told[0].startswith("narenas:1")
    assert told[1] == told[0]


def test_prefetched_items_come_in_order_with_their_errors():
    def items():
        yield from range(3)
        raise ValueError("no more")

    got = []
    with pytest.raises(ValueError, match="no more"):
        got.extend(prefetch(items()))
    assert got == [0, 1, 2]
    assert list(prefetch(iter(()))) == []


def test_work_in_the_background_is_waited_for_and_raises_where_its_result_is_wanted():
    gate = threading.Event()
    result = run_in_background(lambda: gate.wait(10))
    gate.set()
    assert result()
    assert result()
    broken = run_in_background(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        broken()


@pytest.mark.parametrize(
    ("told", "threads", "expected"),
    [(None, 2, "1"), (None, 8, "4"), ("6", 6, "3"), ("1", 1, "1"), ("3", 8, "3")],
)
def test_polars_has_half_of_the_threads_by_default(monkeypatch, told, threads, expected):
    monkeypatch.delitem(sys.modules, "polars", raising=False)
    monkeypatch.setenv("POLARS_MAX_THREADS", told or "")
    if told is None:
        monkeypatch.delenv("POLARS_MAX_THREADS")
    share_threads(threads)
    assert os.environ["POLARS_MAX_THREADS"] == expected
