"""The errors a user can meet, each with its exit code (after BSD's sysexits.h).

Every error is one or two lines: what went wrong and where, then the flag or command that fixes it.
The domain raises them; `prodassoc_cli.app` is the only place that turns them into exit codes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class ProdassocError(Exception):
    """Base of every error that the user can fix.

    Args:
        message: what went wrong and where (file, row, column), one line, without a full stop.
        hint: the command or flag that fixes it, one line; empty where nothing does.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageProblem(ProdassocError):
    """The command line asks for something that cannot be done (exit code 2)."""

    exit_code = 2


class RequirementNotMet(ProdassocError):
    """A bound given by `evaluate --require` does not hold (exit code 1)."""

    exit_code = 1


class BadData(ProdassocError):
    """The input cannot be what the command needs, or a budget would be passed (exit code 65)."""

    exit_code = 65


class NoInput(ProdassocError):
    """An input does not exist or cannot be opened (exit code 66)."""

    exit_code = 66


class CannotCreate(ProdassocError):
    """The output cannot be created: no such folder, no right, a directory in its place (exit code 73)."""

    exit_code = 73


class IOFailure(ProdassocError):
    """Reading or writing failed half-way: a full disk, a broken device (exit code 74)."""

    exit_code = 74


class OutputLocked(ProdassocError):
    """Another run is writing the same output (exit code 75)."""

    exit_code = 75


class BadConfig(ProdassocError):
    """A configuration file or environment variable is wrong (exit code 78)."""

    exit_code = 78


class NothingToDo(Exception):
    """The run ends here, well: its output is up to date, or it was a dry run."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return a hint that names what `name` was probably meant to be, else all that is known.

    Args:
        name: the word that was not found.
        known: the words that would have been.
        otherwise: the hint where none of them is near, in place of all that is known.
    """
    choices = sorted(set(known))
    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    if close:
        return f"did you mean '{by_lower[close[0]]}'?"
    if otherwise is not None:
        return otherwise
    shown = ", ".join(choices[:12]) + (", …" if len(choices) > 12 else "")
    return f"known: {shown}" if choices else ""
