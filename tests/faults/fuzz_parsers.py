"""Coverage-guided fuzzing of the parsers of our own: `python -m tests.faults.fuzz_parsers [SECONDS]`.

`make fuzz` installs atheris for it. A parser may return or raise one of our errors.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

SEEDS = {
    "dates": ("2024-02-29 23:59:59.123456+02:00", "1/12/2010 8:26", "31.12.2024", "20240101", "1700000000"),
    "numbers": ("1.234,56", "-1e5", "£ 1,234.50", "(12)", "½"),
    "where": ("category=A > B", "price<=20", "price!=1e3", "title~x"),
    "map": ("order_id=Bon\nuser_id=Kunde", "event=purchase"),
    "require": ("ndcg@10>=0.05", "hybrid:recall@20>0.1", "5,10,20", "popularity:coverage<1e-3"),
    "template": ("{title}. {description}", "{brand!r:>10}", "{{}}"),
    "size": ("8GB", "512MiB", "1.5 g"),
    "split": ("last-order", "last-20%", "2024-06-01", "random:0.2"),
}
"""Parsers of our own, and texts of their kind to begin with."""

SECONDS = 60


def parser_of(name: str) -> Callable[[str], object]:
    """Return the parser as a function of one text."""
    import polars as pl

    if name == "dates":
        from tests.intake.values.times import parse_times

        return lambda text: parse_times(pl.Series(text.split("\n"), dtype=pl.String))
    if name == "numbers":
        from prodassoc_cli.intake.values.numbers import parse_numbers

        return lambda text: parse_numbers(pl.Series(text.split("\n"), dtype=pl.String))
    if name == "where":
        from prodassoc_cli.models.data import Items
        from prodassoc_cli.models.serving.filters import allowed_items

        items = Items(
            pl.DataFrame({"product_id": ["a", "b"], "category": ["A > B", None], "price": [1.0, None]})
        )
        return lambda text: allowed_items(items, [text])
    if name == "map":
        from prodassoc_cli.intake.columns.match import parse_map

        return lambda text: parse_map(text.split("\n"), ["order_id", "user_id"])
    if name == "require":
        from prodassoc_cli.evaluation.requirements import parse_ks, parse_requirement

        return lambda text: parse_ks(text) if text[:1].isdigit() else parse_requirement(text)
    if name == "template":
        from prodassoc_cli.embedding.text import product_texts

        products = pl.DataFrame({"product_id": ["a"], "title": ["x"]})
        return lambda text: product_texts(products, text)
    if name == "size":
        from prodassoc_cli.resources import memory_budget

        return memory_budget
    from prodassoc_cli.intake.holdout import parse_split

    return parse_split


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one parser in this process; libFuzzer ends it."""
    import atheris

    from prodassoc_cli.errors import ProdassocError

    with atheris.instrument_imports(include=["prodassoc_cli"]):
        parse = parser_of(name)

    def once(data: bytes) -> None:
        try:
            parse(data.decode("utf-8", "replace"))
        except ProdassocError:
            return

    with TemporaryDirectory() as corpus:
        for number, text in enumerate(SEEDS[name]):
            (Path(corpus) / str(number)).write_text(text)
        options = [f"-max_total_time={seconds}", "-timeout=30", "-max_len=200", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, "-verbosity=0", corpus], once)
        atheris.Fuzz()


def main() -> int:
    """Fuzz each parser in a process of its own; return 1 where one failed."""
    if len(sys.argv) > 2:
        fuzz(sys.argv[1], int(sys.argv[2]))
        return 0
    seconds = sys.argv[1] if len(sys.argv) > 1 else str(SECONDS)
    failed = [
        name
        for name in SEEDS
        if subprocess.run(
            [sys.executable, "-m", "tests.faults.fuzz_parsers", name, seconds], check=False
        ).returncode
    ]
    print(f"parsers fuzzed for {seconds} s each: {len(SEEDS)}, failed: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
