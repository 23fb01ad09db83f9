"""What ends a run that cannot end itself: a signal while a library works, or memory that runs out.

Both are watched from threads, since the main thread may sit in a kernel or a library for minutes. Whoever
ends the run removes its partial files first. Only the command line is guarded, never a program that uses
the package.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from prodassoc_cli.resources import held_memory, lacks_addresses

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
GRACE_SECONDS = 2.0
"""Time to unwind after SIGINT or SIGTERM."""

_LOOK_EVERY = 0.02
"""Seconds between two looks at the memory: allocating is slower than a gigabyte in that time."""

_ADDRESSES = 0.9
"""Share of a limited address space that may be taken: libraries abort when an allocation fails."""


class Terminated(BaseException):
    """SIGTERM came in."""


_GUARDED = threading.Event()
"""Set in the process of the command line."""


def watch_signals() -> None:
    """Unwind on SIGINT and SIGTERM, and end the process where that takes longer than the grace.

    From here on the process is the command line's own: it may be ended for its memory too.
    """
    _GUARDED.set()
    signal.signal(signal.SIGTERM, _terminate)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_end_after_signal, args=(reading,), daemon=True, name="signals").start()


def remove_unfinished(*, for_good: bool = False) -> None:
    """Remove this process's partial files; there are none where the module that makes them is not loaded.

    Args:
        for_good: the process ends now, whatever its other threads do.
    """
    outputs = sys.modules.get("prodassoc_cli.artifacts.outputs")
    if outputs is not None:
        outputs.remove_unfinished(for_good=for_good)


def watch_memory(limit: int, passed: Callable[[str], int]) -> None:
    """End the command line's process when it holds more memory than it may, or has hardly an address left.

    Args:
        limit: bytes it may hold.
        passed: is given what happened; says so and returns the exit code.
    """
    if _GUARDED.is_set():
        threading.Thread(target=_end_above, args=(limit, passed), daemon=True, name="memory").start()


def _terminate(number: int, frame: Any) -> NoReturn:  # noqa: ANN401 — a frame
    raise Terminated


def _end_after_signal(signals: int) -> None:
    codes = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}
    while (number := os.read(signals, 1)[0]) not in codes:
        pass
    select.select([signals], [], [], GRACE_SECONDS)  # a second signal cuts the grace short
    remove_unfinished(for_good=True)
    os._exit(codes[signal.Signals(number)])


def _end_above(limit: int, passed: Callable[[str], int]) -> None:
    while (held := held_memory()) <= limit and not lacks_addresses(_ADDRESSES):
        time.sleep(_LOOK_EVERY)
    code = passed(
        f"holds {held / 1e6:,.0f} MB" if held > limit else "has used up its address space (ulimit -v)"
    )
    remove_unfinished(for_good=True)
    os._exit(code)
