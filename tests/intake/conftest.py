from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.intake.columns.likeness import ReadHeaders
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import CleanedOrders, clean_orders


def sources(*inputs: object) -> list[Source]:
    """Find inputs as the command does."""
    return [Source(each.name, each.path) for each in locate([str(each) for each in inputs])]


@pytest.fixture
def clean(tmp_path: Path) -> Callable[..., CleanedOrders]:
    """Clean text (or bytes) written to a file, with options of CleanConfig; notices land in `clean.said`."""

    def run(
        content: str | bytes, *, name: str = "orders.csv", seed: int = 42,
        read_headers: ReadHeaders | None = None, **options: object,
    ) -> CleanedOrders:  # fmt: skip
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        run.said = []
        catalogue = sources(options["products"]) if "products" in options else ()
        config = CleanConfig(**options)
        return clean_orders(
            sources(path), config, run.said.append, catalogue=catalogue, seed=seed, read_headers=read_headers
        )

    return run
