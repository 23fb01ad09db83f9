"""What of the machine a run may use: threads, memory and room for what does not fit in it."""

from __future__ import annotations

import os
import re
import resource
import stat
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from prodassoc_cli.errors import UsageProblem

DEFAULT_MEMORY_SHARE = 0.75
"""Share of the free memory that a run may use unless told otherwise."""

_BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
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


def nameless_file() -> tuple[BinaryIO, Path]:
    """Open a temporary file without a name, and return it with a path under which it can be opened.

    The system drops it when the process ends, even by a kill. Where there is no /proc, it has a name until it is
    closed.
    """
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        named = tempfile.NamedTemporaryFile(prefix="prodassoc-")  # noqa: SIM115 — the caller closes it
        return cast("BinaryIO", named), Path(named.name)
    stream = tempfile.TemporaryFile(prefix="prodassoc-")  # noqa: SIM115 — the caller closes it
    return cast("BinaryIO", stream), folder / str(stream.fileno())


def _free_memory() -> int:
    """Return the bytes free on this machine, or within the control group it runs in."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        free = int(match[1]) * 1024 if match else free
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        free = min(free, int(most) - int(used.read_text()))
    return max(free, 0)
