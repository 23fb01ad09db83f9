"""What of the machine a run may use: threads, memory and room for what does not fit in it."""

from __future__ import annotations

import contextlib
import importlib.util
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
"""Share of the free memory that a run may use unless told otherwise."""

_BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_ALLOCATOR = ("_RJEM_MALLOC_CONF", "narenas:1,oversize_threshold:0,dirty_decay_ms:2000")
"""How the allocator of polars is told to use freed memory again. Left alone, threads have pools of their own
and large columns another, and what is freed goes back to the system after half a second: to fetch it anew,
page by page, takes a twelfth of the CPU seconds of `clean`."""
_ALLOCATOR_OF_POLARS = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What polars tells it where no one tells otherwise. It does so in the environment, so that programs that one
with polars starts find it there, although nobody wrote it."""

_LIBRARIES_BYTES = 150 * 10**6
_PER_ROW = {"train": 300, "embed": 500}
"""What runs hold at the least. Measured on UCI Online Retail, once and four times over: train 382 bytes a
row; of a million products, embed 640 a product, most of it texts, with the vectors in a temporary file. Less
than measured is asked for, so that what would fit is not refused."""

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
    """Hold every library to that many threads and return the number; call before they are imported.

    Linear algebra gets one thread whatever is wanted: how it shares out a sum depends on the number of
    threads, and the last bits of the result with it. The work is shared out in larger pieces instead.

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
    """Leave polars half of the threads, for the stages of a run have the others; call before it is imported.

    With all of them, its threads and those of the stages take the cores from one another: `clean` of 10
    million lines in parts on disk, on two cores, takes a tenth more CPU seconds. Who told polars another
    number is heeded.
    """
    if "polars" not in sys.modules and os.environ.get("POLARS_MAX_THREADS") in (None, str(threads)):
        os.environ["POLARS_MAX_THREADS"] = str(max(1, threads // 2))


def use_freed_memory_again() -> None:
    """See to it that columns are made where others were; call before polars is imported.

    Who has told the allocator otherwise is heeded.
    """
    name, ours = _ALLOCATOR
    if not os.environ.get(name, "").removeprefix(_ALLOCATOR_OF_POLARS):
        os.environ[name] = ours


def lazy_import(module: str) -> None:
    """See to it that a module is loaded when it is used, not when it is imported; nothing if it is there.

    Libraries import more than they need: scipy takes all of numpy, its compiler of Fortran among it.
    """
    parent, _, name = module.rpartition(".")
    spec = None if module in sys.modules else importlib.util.find_spec(module)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    sys.modules[module] = lazy
    spec.loader.exec_module(lazy)
    if parent:
        setattr(sys.modules[parent], name, lazy)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, the next of which is made in a thread while one is used."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def run_in_background(work: Callable[[], T]) -> Callable[[], T]:
    """Begin work in a thread that keeps no process alive.

    Returns:
        What waits for the work, and returns what it did or raises what it raised.
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


def load_now(module: str) -> None:
    """Load a module that was put off, before several threads use it: they cannot load it together."""
    getattr(importlib.import_module(module), "__doc__", None)


def place_kernel_cache(package: Path = Path(__file__).parent) -> None:
    """See to it that compiled kernels can be kept; call before numba is imported.

    Beside the code where that can be written (numba's own choice), else in the user's cache folder, else in a
    private temporary folder. Compiled code is run as it is found: a folder others could write to is no place.
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
        UsageProblem: the text is no size.
    """
    if text is None:
        return int(_free_memory() * DEFAULT_MEMORY_SHARE)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]I?)?B?\s*", text.upper())
    if match is None or float(match[1]) == 0:
        raise UsageProblem(f"--memory-limit: '{text}' is no size", "write it like 8GB or 512MiB")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_memory() -> int:
    """Return the memory this process holds for itself, in bytes; 0 where the system does not tell.

    Files that are mapped are not counted: the system can drop them at any time.
    """
    _, resident, shared = _pages()
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def lacks_addresses(share: float) -> bool:
    """Tell whether more than this share of a limited address space (ulimit -v) is taken."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return most != resource.RLIM_INFINITY and _pages()[0] * os.sysconf("SC_PAGE_SIZE") > share * most


def _pages() -> tuple[int, int, int]:
    """Return the pages this process has mapped, has in memory, and has there of files."""
    try:
        mapped, resident, shared = Path("/proc/self/statm").read_bytes().split()[:3]
    except FileNotFoundError:
        return 0, 0, 0
    return int(mapped), int(resident), int(shared)


def anonymous_file(folder: Path | None = None) -> tuple[BinaryIO, Path]:
    """Open a temporary file without a name, and return it with a path under which it can be opened.

    The system drops it when the process ends, even by a kill. Where there is no /proc, it has a name until it
    is closed.

    Args:
        folder: where it lies; None for the folder of temporary files.
    """
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        named = tempfile.NamedTemporaryFile(prefix="prodassoc-", dir=folder)  # noqa: SIM115 — the caller closes it
        return cast("BinaryIO", named), Path(named.name)
    stream = tempfile.TemporaryFile(prefix="prodassoc-", dir=folder)  # noqa: SIM115 — the caller closes it
    return cast("BinaryIO", stream), descriptors / str(stream.fileno())


def memory_needed(command: str, text_bytes: int, rows: int, bytes_a_row: int | None = None) -> int:
    """Return the bytes a run will hold at its peak, at the least.

    Args:
        command: what will run.
        text_bytes: size of its inputs that are no Parquet; of packed ones, packed.
        rows: rows of its inputs that are Parquet.
        bytes_a_row: what each of them takes at the least; None for what is usual of the command.
    """
    if command == "clean":  # takes what is large in parts, and says itself if they are too large
        return _LIBRARIES_BYTES
    return _LIBRARIES_BYTES + text_bytes + rows * (bytes_a_row or _PER_ROW.get(command, 50))


def _free_memory() -> int:
    """Return the bytes free on this machine, or within the groups and limits the process runs under."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        free = int(match[1]) * 1024 if match else free
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        free = min(free, address_space)
    for folder, most_name, used_name in _control_groups():
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            most = int((folder / most_name).read_text())
            free = min(free, most - int((folder / used_name).read_text()))
    return max(free, 0)


def _control_groups() -> Iterator[tuple[Path, str, str]]:
    """Yield the memory groups of this process with the names of their limit and use: version 2, then 1."""
    root, own = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
    lines = own.read_text().splitlines() if own.exists() else []
    paths = {fields[1]: fields[2].lstrip("/") for fields in (line.split(":", 2) for line in lines)}
    for path in {"", paths.get("", "")}:
        yield root / path, "memory.max", "memory.current"
    for path in {"", paths.get("memory", "")}:
        yield root / "memory" / path, "memory.limit_in_bytes", "memory.usage_in_bytes"
