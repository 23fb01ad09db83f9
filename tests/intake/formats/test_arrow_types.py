"""Numbers and times that Arrow parses as it cuts a text into fields are those that the text would give."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import ProdassocError
from prodassoc_cli.intake import gather as parts
from prodassoc_cli.intake.formats.raw_table import StartAgain
from prodassoc_cli.intake.inputs import Inputs
from prodassoc_cli.settings import CleanConfig
from tests.conftest import examples
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

HEADER = ["order_id", "customer_id", "product_id", "quantity", "price", "date", "channel"]
PLAIN = ["1", "1.0", " 2 ", "+3", "4.", ".5", "1e2", "", "-7", "0"]
ODD = [
    "NA",
    "n/a",
    "Null",
    "NaN",
    "nan(1)",
    "inf",
    "-Infinity",
    "1e999",
    "1,5",
    "1.234",
    "1_0",
    "0x1",
    "€2",
    "x",
    "\t3",
]
TIMES = [
    "2024-01-31", "2024-01-31 10", "2024-01-31T10:05", "2024-01-31 10:05:00", "2024-01-31 10:05:00.25", "",
    "0999-01-01", "null", "2024-01-31 10:05:00Z", "31/12/2024 8", "1/2/2024", "2024-02-30", "1706695500",
    "never",
]  # fmt: skip


def column(usual: list[str], odd: list[str]) -> st.SearchStrategy[list[str]]:
    """Values of one column: mostly of a kind that Arrow parses, and sometimes not."""
    return st.one_of(
        *(
            st.lists(st.sampled_from(values), min_size=12, max_size=12)
            for values in (usual, usual, usual + odd)
        )
    )


def lines_of(quantities, prices, times, notes, users="uv" * 6) -> list[tuple[str, ...]]:
    return [
        (str(at // 4), users[at], f"p{at % 3}", quantities[at], prices[at], times[at], notes[at])
        for at in range(12)
    ]


files = st.builds(
    lines_of,
    column(PLAIN, ODD),
    column(PLAIN, ODD),
    column(TIMES[:6], TIMES[6:]),
    column(["", "a"], ["b,\n", 'q"']),
    column(["u", "v", ""], [" ", "null", " u"]),
)


def write(path: Path, lines, *, quoting=csv.QUOTE_MINIMAL, header=HEADER) -> Path:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows([header, *lines] if header else lines)
    path.write_text(out.getvalue())
    return path


def outcome(paths, *, on_the_way: bool, many: int = 1, **options):
    """What comes of cleaning: all rows, and what was said; the error where there is one."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        if not on_the_way:
            patch.setattr(Inputs, "parse_plain_fields", lambda *_: None)
        patch.setattr(parts, "parts_needed", lambda orders, budget: many)
        patch.setattr(parts, "PIECE_ROWS", 3)
        patch.setattr("prodassoc_cli.intake.formats.text.rows.BLOCK_BYTES", 1 << 8)
        patch.setattr("prodassoc_cli.intake.formats.text.rows.HEAD_BYTES", 1 << 7)
        try:
            found = clean_orders(sources(*paths), CleanConfig(**options), said.append, budget=1)
        except ProdassocError as problem:
            return repr(problem)
    return found.interactions.rows(), found.rejects.rows(), found.summary, said


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(
    st.lists(files, min_size=1, max_size=3),
    st.integers(1, 4),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(
    [lines_of(["1"] * 12, [price] * 12, ["2024-01-31"] * 12, ["a"] * 12) for price in ("1.234", "1,5")],
    1,
    csv.QUOTE_MINIMAL,
)
@example([lines_of(["1"] * 12, ["1"] * 11 + ["NaN"], ["2024-01-31"] * 12, [""] * 12)], 1, csv.QUOTE_MINIMAL)
@example(
    [lines_of(["1"] * 12, ["1"] * 11 + [last], ["2024-01-31"] * 12, [""] * 12) for last in ("1", "nan(1)")],
    1,
    csv.QUOTE_MINIMAL,
)
def test_either_way_all_is_the_same(tmp_path, inputs, many, quoting):
    paths = [write(tmp_path / f"{at}.csv", lines, quoting=quoting) for at, lines in enumerate(inputs)]
    assert outcome(paths, on_the_way=True, many=many) == outcome(paths, on_the_way=False)


def parsed_of(path: Path, **options) -> set[str]:
    """The fields that were parsed on the way."""
    found: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        pieces = Inputs.pieces

        def watched(inputs, rows=None):
            for piece in pieces(inputs, rows):
                found.clear()
                found.update(
                    name for name, dtype in piece.lines.fields.schema.items()
                    if not name.startswith("\0") and dtype != pl.String
                )  # fmt: skip
                yield piece

        patch.setattr(Inputs, "pieces", watched)
        clean_orders(sources(path), CleanConfig(**options), lambda _: None)
    return found


PRICED = [("1", "u", "a", "1", "2.5", "2024-01-31", ""), ("2", "v", "b", "", "NA", "", "")]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_plain_numbers_and_times_are_parsed_on_the_way(tmp_path, quoting):
    assert parsed_of(write(tmp_path / "a.csv", PRICED, quoting=quoting)) == {"quantity", "price", "timestamp"}


def test_one_odd_value_makes_its_column_text_and_no_other(tmp_path):
    late = [*PRICED * 2_000, ("3", "w", "c", "two", "1", "2024-01-31", "")]
    assert parsed_of(write(tmp_path / "a.csv", late)) == {"price", "timestamp"}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_end(tmp_path, line_end):
    path = write(tmp_path / "a.csv", PRICED)
    path.write_bytes(path.read_bytes().replace(b"\n", line_end.encode()))
    assert len(outcome([path], on_the_way=True)[0]) == 2
    assert outcome([path], on_the_way=True) == outcome([path], on_the_way=False)


def test_empty_lines_before_the_header_and_no_header(tmp_path):
    path = write(tmp_path / "a.csv", PRICED)
    path.write_text("\n\n" + path.read_text())
    assert outcome([path], on_the_way=True) == outcome([path], on_the_way=False)
    bare = write(tmp_path / "b.csv", PRICED, header=None)
    mapped = {"map": ("order_id=1", "user_id=2", "product_id=3", "quantity=4", "price=5", "timestamp=6")}
    assert outcome([bare], on_the_way=True, **mapped) == outcome([bare], on_the_way=False, **mapped)
    assert len(outcome([bare], on_the_way=True, **mapped)[0]) == 2


def test_rejects_show_the_row_as_it_was_written(tmp_path):
    lines = [
        ("1", "u", "a", "1.50", "2.0", "2024-01-31 10", "x,y"),
        ("1", "u", "b", "-1.0", "3.10", "2024-01-31", ""),
    ]
    (_, rejects, _, _) = outcome([write(tmp_path / "a.csv", lines)], on_the_way=True)
    assert [row[-1] for row in rejects] == ["1,u,b,-1.0,3.10,2024-01-31,"]


def test_a_line_written_twice_in_other_words_is_one(tmp_path):
    lines = [
        ("1", "u", "a", "1", "2.0", "2024-01-31", "x"),
        ("1", "u", "a", "1.0", "2", "2024-01-31 00:00", "x"),
        ("1", "u", "a", "1", "2.0", "2024-01-31", "y"),
    ]
    for on_the_way in (True, False):
        rows, rejects, *_ = outcome([write(tmp_path / "a.csv", lines)], on_the_way=on_the_way)
        assert len(rows) == 2
        assert [row[1:3] for row in rejects] == [(2, "duplicate_line")]


@pytest.mark.parametrize("many", [1, 3])
@pytest.mark.parametrize(
    "shared", [("order_id", "user_id"), ("user_id", "product_id"), ("order_id", "user_id", "product_id")]
)
def test_a_column_may_be_several_fields(tmp_path, shared, many):
    blank = [("3", "", "c", "1", "2", "2024-01-31", ""), ("null", "w", "", "1", "2", "2024-02-01", "")]
    lines = [*PRICED, *blank]
    told = [f"{field}=customer_id" for field in shared]
    paths = [write(tmp_path / "a.csv", lines)]
    found = outcome(paths, on_the_way=True, many=many, map=told)
    assert found == outcome(paths, on_the_way=False, map=told)
    assert found[2]["rows_in"] == len(lines)


def test_the_reader_may_be_ahead_of_what_is_made_of_it(tmp_path, monkeypatch):
    """What a later input shows says nothing of how those before it were read."""

    def one_ahead(items):
        coming, problem = next(items, None), None
        while coming is not None:
            item = coming
            try:
                coming = next(items, None)
            except StartAgain as raised:
                problem = raised
            yield item
            if problem is not None:
                raise problem

    plain = lines_of(["1"] * 12, ["1"] * 12, ["2024-01-31"] * 12, [""] * 12)
    odd = lines_of(["1,5"] * 12, ["1,5"] * 12, ["2024-01-31 10:05:00Z"] * 12, [""] * 12)
    paths = [write(tmp_path / f"{at}.csv", lines) for at, lines in enumerate((plain * 9, plain[:5] + odd))]
    monkeypatch.setattr(parts, "prefetch", one_ahead)
    assert outcome(paths, on_the_way=True, many=2) == outcome(paths, on_the_way=False)
