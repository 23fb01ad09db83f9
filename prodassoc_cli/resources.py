"""What a run may use of the machine: threads, memory, and disk for what does not fit in memory."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from prodassoc_cli.errors import UsageProblem

T = TypeVar("T")

DEFAULT_MEMORY_SHARE = 0.75
"""Share of the free memory that a run may use by default."""

_BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_ALLOCATOR = ("_RJEM_MALLOC_CONF", "narenas:1,oversize_threshold:0,dirty_decay_ms:2000")
"""Settings with which the allocator of polars reuses freed memory. By default threads have pools of their own
and large columns another, and what is freed goes back to the system after half a second: fetching it anew,
page by page, takes a twelfth of the CPU seconds of `clean`."""
_ALLOCATOR_OF_POLARS = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What polars itself sets, in the environment, where nothing is set: programs started by a process that uses
polars find it there although no user chose it."""

_LIBRARIES_BYTES = 150 * 10**6
_PER_ROW = {"train": 300, "embed": 500}
"""Minimum bytes per row that a run holds. Measured on UCI Online Retail, once and four times over: train 382
bytes per row; embed of a million products 640 per product, most of it texts, with the vectors in a temporary
file. The figures here are lower than measured, so that what would fit is not refused."""

_UNITS = {
    "": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "KI": 2**10,
    "MI": 2**20,
    "GI": 2**30,
    "TI": 2**40,
}


def use_threads(wanted: int | None) -> int:
    """Limit every library to that many threads and return the number; call before they are imported.

    Linear algebra always gets one thread: how it splits a sum depends on the number of threads, and the last
    bits of the result with it. The work is split into larger pieces instead.

    Args:
        wanted: threads to use; None for all cores this process may run on.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = wanted or available
    for variable in _BLAS_VARIABLES:
        os.environ[variable] = "1"
    if wanted is not None:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    return threads


def share_threads(threads: int) -> None:
    """Leave polars half of the threads and the stages of a run the others; call before polars is imported.

    With all of them, its threads and those of the stages compete for the cores: `clean` of 10 million lines
    in parts on disk, on two cores, takes a tenth more CPU seconds. A number that the user set is kept.
    """
    if "polars" not in sys.modules and os.environ.get("POLARS_MAX_THREADS") in (None, str(threads)):
        os.environ["POLARS_MAX_THREADS"] = str(max(1, threads // 2))


def use_freed_memory_again() -> None:
    """Let polars allocate columns in freed memory; call before polars is imported.

    Settings that the user made for the allocator are kept.
    """
    name, ours = _ALLOCATOR
    if not os.environ.get(name, "").removeprefix(_ALLOCATOR_OF_POLARS):
        os.environ[name] = ours


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """Yield the items; a thread makes the next one while the caller uses the last."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def run_in_background(work: Callable[[], T]) -> Callable[[], T]:
    """Start work in a thread that does not keep the process alive.

    Returns:
        A function that waits for the work, and returns its result or raises its exception.
    """
    done: list[T] = []
    raised: list[BaseException] = []

    def do() -> None:
        try:
            done.append(work())
        except BaseException as problem:
            raised.append(problem)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()

    def result() -> T:
        thread.join()
        if raised:
            raise raised[0]
        return done[0]

    return result


def run_parallel(*work: Callable[[], T]) -> list[T]:
    """Do pieces of work that do not touch one another, in as many threads as polars has.

    Most of what is done to a column keeps one core busy.

    Returns:
        What each returned, in the order they were given.
    """
    from concurrent.futures import ThreadPoolExecutor

    import polars as pl

    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        return [each.result() for each in [threads.submit(piece) for piece in work]]


def place_kernel_cache(package: Path = Path(__file__).parent) -> None:
    """Choose a folder where compiled kernels can be cached; call before numba is imported.

    Beside the code where that is writable (numba's own choice), else the user's cache folder, else a private
    temporary folder. Cached machine code is run unchecked: a folder that others can write to is not used.
    """
    if "NUMBA_CACHE_DIR" in os.environ or os.access(package, os.W_OK):
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for folder in (home / "prodassoc", Path(tempfile.gettempdir()) / f"prodassoc-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            return
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="prodassoc-")


def memory_budget(text: str | None) -> int:
    """Return the bytes a run may use.

    Args:
        text: a size such as `8GB`, `512MiB` or plain bytes; None for 75 % of what is free.

    Raises:
        UsageProblem: the text is not a size.
    """
    if text is None:
        return int(_free_memory() * DEFAULT_MEMORY_SHARE)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]I?)?B?\s*", text.upper())
    if match is None or float(match[1]) == 0:
        raise UsageProblem(f"`memory_limit`: '{text}' is not a size", "write it like 8GB or 512MiB")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def peak_memory() -> int:
    """Return the maximum memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_memory() -> int:
    """Return the private memory of this process in bytes; 0 where the system does not report it.

    Mapped files are not counted: the system can drop them at any time.
    """
    _, resident, shared = _pages()
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def lacks_addresses(share: float) -> bool:
    """Return whether more than this share of a limited address space (ulimit -v) is taken."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit != resource.RLIM_INFINITY and _pages()[0] * os.sysconf("SC_PAGE_SIZE") > share * limit


def _pages() -> tuple[int, int, int]:
    """Return the numbers of pages this process has mapped, in memory, and in memory shared with files."""
    try:
        mapped, resident, shared = Path("/proc/self/statm").read_bytes().split()[:3]
    except FileNotFoundError:
        return 0, 0, 0
    return int(mapped), int(resident), int(shared)


def anonymous_file(folder: Path | None = None) -> tuple[BinaryIO, Path]:
    """Open a temporary file without a name, and return it with a path under which it can be opened.

    The system deletes it when the process ends, even by a kill. Without /proc it has a name until it is
    closed.

    Args:
        folder: where to create it; None for the folder of temporary files.
    """
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        named = tempfile.NamedTemporaryFile(prefix="prodassoc-", dir=folder)  # noqa: SIM115 — the caller closes it
        return cast("BinaryIO", named), Path(named.name)
    stream = tempfile.TemporaryFile(prefix="prodassoc-", dir=folder)  # noqa: SIM115 — the caller closes it
    return cast("BinaryIO", stream), descriptors / str(stream.fileno())


def memory_needed(command: str, text_bytes: int, rows: int, bytes_per_row: int | None = None) -> int:
    """Return the minimum bytes that a run will hold at its peak.

    Args:
        command: name of the command.
        text_bytes: size of its inputs other than Parquet, compressed as they are.
        rows: rows of its Parquet inputs.
        bytes_per_row: minimum bytes that each of them takes; None for the command's default.
    """
    if command == "clean":  # works in parts on disk where needed, and reports itself if they are too large
        return _LIBRARIES_BYTES
    return _LIBRARIES_BYTES + text_bytes + rows * (bytes_per_row or _PER_ROW.get(command, 50))


def _free_memory() -> int:
    """Return the bytes free on this machine, within the control groups and limits of this process."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        free = int(match[1]) * 1024 if match else free
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        free = min(free, address_space)
    for folder, limit_name, used_name in _control_groups():
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            limit = int((folder / limit_name).read_text())
            free = min(free, limit - int((folder / used_name).read_text()))
    return max(free, 0)


def _control_groups() -> Iterator[tuple[Path, str, str]]:
    """Yield this process's memory control groups and the files of their limit and use: version 2, then 1."""
    root, own = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
    lines = own.read_text().splitlines() if own.exists() else []
    paths = {fields[1]: fields[2].lstrip("/") for fields in (line.split(":", 2) for line in lines)}
    for path in {"", paths.get("", "")}:
        yield root / path, "memory.max", "memory.current"
    for path in {"", paths.get("memory", "")}:
        yield root / "memory" / path, "memory.limit_in_bytes", "memory.usage_in_bytes"
