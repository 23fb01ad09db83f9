"""prodassoc: product association analysis from the command line, and the same as functions for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodassoc_cli.version import __version__ as __version__

if TYPE_CHECKING:
    from prodassoc_cli.api import (
        Cleaned,
        Embedded,
        Mined,
        Model,
        clean,
        embed,
        evaluate,
        mine,
        recommend,
        train,
    )

__all__ = [
    "Cleaned", "Embedded", "Mined", "Model", "clean", "embed", "evaluate", "mine", "recommend", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401 — whatever of `api` is asked for
    """Import the functions when they are asked for: the command line starts without polars."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from prodassoc_cli import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
