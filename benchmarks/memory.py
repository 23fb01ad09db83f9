"""What a process holds, and the most it has held, as Linux tells it of the running program alone."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def held(field: str) -> int:
    """Return VmRSS or VmHWM in bytes; where there is no /proc, the peak of the process for both.

    The peak that getrusage tells begins at what the parent held when it started the process.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
