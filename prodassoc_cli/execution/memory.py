"""How a run stays within its memory: what cannot fit is refused, and what turns out not to fit is ended.

Otherwise the system would end it, without a word, and perhaps another process with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prodassoc_cli.errors import BadData
from prodassoc_cli.resources import memory_needed
from prodassoc_cli.watchdog import watch_memory

if TYPE_CHECKING:
    from prodassoc_cli.artifacts.inputs import InputFile

_LESS = {
    "mine": "less to find: a higher `min_support`, or `max_size`",
    "train": "a smaller model: `model=item-knn` or popularity",
    "embed": "the products in several runs, with one `cache`",
}
"""What takes less memory, in words that follow "or give it"."""


def minimum_memory(command: str, files: Iterable[InputFile], bytes_per_row: int | None) -> int:
    """Return the bytes a run will hold at its peak, at the least.

    Args:
        command: what runs.
        files: its inputs.
        bytes_per_row: memory that a row of them takes; None for what is usual of the command.
    """
    from prodassoc_cli.artifacts.parquet.partial_read import count_rows

    text_bytes = rows = 0
    for each in files:
        counted = count_rows(each.path)
        rows += counted or 0
        text_bytes += each.path.stat().st_size if counted is None else 0
    return memory_needed(command, text_bytes, rows, bytes_per_row)


def bound_memory(
    command: str, needed: int, limit: int, given: str | None, error: Callable[[str, str], None]
) -> None:
    """Hold a run to its memory limit from here on.

    Args:
        command: what runs.
        needed: bytes it will hold at the least.
        limit: bytes it may hold.
        given: the limit as a user gave it; None where nobody did.
        error: says why the run is ended, and what would help.

    Raises:
        BadData: its inputs cannot fit.
    """
    allowed = f"`memory_limit={given}`" if given else f"the {limit / 1e6:,.0f} MB it may use"
    if needed > limit:
        raise BadData(
            f"{command} of these inputs needs at least {needed / 1e6:,.0f} MB, more than {allowed}",
            "raise `memory_limit` if the machine has it, or process the inputs in parts",
        )
    less = _LESS.get(command, "less at a time")

    def passed(what: str) -> int:
        error(
            f"stopped: {command} {what} and would pass {allowed}",
            f"raise `memory_limit` if the machine has it, or give it {less}",
        )
        return BadData.exit_code

    watch_memory(limit, passed)
