"""Order lines for the tests of cleaning in parts, and all that comes of them."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime, timedelta
from functools import cache

import polars as pl

from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.pipeline import Cleaning
from prodassoc_cli.settings import CleanConfig

OPTIONS = [
    {},
    {"products_output": "products", "drop_outliers": True},
    {"drop_users": True},
    {"holdout": "last-order", "holdout_output": "h"},
    {"holdout": "time:0.2", "holdout_output": "h"},
]
"""What the sample data are cleaned with, here and by executors."""


def cleaned(cleaning):
    """Return everything that a cleaning gives."""
    with cleaning as run:
        interactions = pl.concat(list(run.interactions()))
        holdout = pl.concat([pl.DataFrame(), *run.holdout()], how="diagonal")
        rejects = pl.concat(list(run.all_rejects()))
        return interactions, holdout, rejects, run.products, run.summary, run.facts


@cache
def cleaned_here(paths, catalogue, options):
    """Return what one process makes of the lines, and what it says: once, whoever is compared with it."""
    said = []
    more = {"catalogue": [Source(path.name, path) for path in catalogue], "seed": 7}
    sources = [Source(path.name, path) for path in paths]
    config = CleanConfig(**json.loads(options))
    return cleaned(Cleaning(sources, config, said.append, **more)), said


def same_as_here(there, paths, catalogue=(), **options):
    """Clean here and by `there`, another maker of cleanings; compare all there is, and return the summary."""
    sources = [Source(path.name, path) for path in paths]
    more = {"catalogue": [Source(path.name, path) for path in catalogue], "seed": 7}
    config = CleanConfig(**options)
    said_there = []
    whole, said_here = cleaned_here(tuple(paths), tuple(catalogue), json.dumps(options))
    divided = cleaned(there(sources, config, said_there.append, **more))
    for ours, theirs in zip(whole[:4], divided[:4], strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or ours.equals(theirs)
    assert json.dumps(whole[4:]) == json.dumps(divided[4:])
    assert said_here == said_there
    return whole[4]


def shop(folder, name, rows=600, seed=1, **how):
    """Write order lines of a small shop, with what real ones have: repeats, gaps, returns, services."""
    rng = random.Random(seed)
    delimiter, comma = how.get("delimiter", ","), how.get("comma", False)
    lines = [delimiter.join(("order_id", "customer", "sku", "quantity", "price", "date", "title"))]
    for number in range(rows):
        order = 1000 + number // 3
        when = datetime(2024, 1, 1) + timedelta(hours=7 * (order - 1000))
        price = f"{rng.choice([1.5, 2.25, 1250.0]):.2f}"
        lines.append(
            delimiter.join(
                (
                    rng.choice([str(order)] * 30 + [f"C{order}"]),
                    rng.choice(["", f"u{order % 40}"]),
                    rng.choice([f"p{rng.randrange(30):02}"] * 20 + ["POST", ""]),
                    rng.choice(["1", "2", "-1", "1000", "many"]),
                    price.replace(".", ",") if comma else price,
                    when.strftime(how.get("date", "%Y-%m-%d %H:%M")),
                    '"a ""good"" thing"' if how.get("quoted", True) else "thing",
                )
            )
        )
        if not number % 17:
            lines.append(lines[-1])
        if not number % 97 and how.get("broken"):
            lines.append("one" + delimiter + "two")
    path = folder / name
    text = ("\n".join(lines) + "\n").encode(how.get("encoding", "utf-8"))
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path
