from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodassoc_cli.intake.orders import CleanedOrders, clean_orders
from prodassoc_cli.settings import CleanConfig


@pytest.fixture
def clean(tmp_path: Path) -> Callable[..., CleanedOrders]:
    """Clean text (or bytes) written to a file, with options of CleanConfig; notices land in `clean.said`."""

    def run(
        content: str | bytes, *, name: str = "orders.csv", seed: int = 42, **options: object
    ) -> CleanedOrders:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        run.said = []
        return clean_orders([str(path)], CleanConfig(**options), run.said.append, seed=seed)

    return run
