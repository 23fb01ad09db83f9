"""How a run stays within its memory: what cannot fit is refused, and what turns out not to fit is ended.

Otherwise the system would end it, without a word, and perhaps another process with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodassoc_cli.errors import BadData
from prodassoc_cli.resources import memory_needed
from prodassoc_cli.watchdog import watch_memory

if TYPE_CHECKING:
    from prodassoc_cli.commands.execution.run import Run

_LESS = {
    "mine": "less to find: a higher `min_support`, or `max_size`",
    "train": "a smaller model: `model=item-knn` or popularity",
    "embed": "the products in several runs, with one `cache`",
}
"""What takes less memory, in words that follow "or give it"."""


def least_memory(run: Run) -> int:
    """Return the bytes a run will hold at its peak, at the least."""
    from prodassoc_cli.artifacts.partial_read import count_rows

    text_bytes = rows = 0
    for each in (each for files in run.taken.values() for each in files):
        counted = count_rows(each.path)
        rows += counted or 0
        text_bytes += each.path.stat().st_size if counted is None else 0
    return memory_needed(run.command, text_bytes, rows, run.bytes_a_row)


def bound_memory(run: Run) -> None:
    """Hold a run to its `memory_limit` from here on.

    Raises:
        BadData: its inputs cannot fit.
    """
    told = run.common.memory_limit
    may = f"`memory_limit={told}`" if told else f"the {run.memory_limit / 1e6:,.0f} MB it may use"
    needed = least_memory(run)
    if needed > run.memory_limit:
        raise BadData(
            f"{run.command} of these inputs needs at least {needed / 1e6:,.0f} MB, more than {may}",
            "raise `memory_limit` if the machine has it, or take the inputs in parts",
        )

    less = _LESS.get(run.command, "less at a time")

    def passed(what: str) -> int:
        run.messages.error(
            f"stopped: {run.command} {what} and would pass {may}",
            f"raise `memory_limit` if the machine has it, or give it {less}",
        )
        return BadData.exit_code

    watch_memory(run.memory_limit, passed)
