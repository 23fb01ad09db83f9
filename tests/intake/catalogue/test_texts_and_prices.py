from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.catalogue.catalogue import clean_catalogue
from prodassoc_cli.intake.catalogue.category_paths import named, paths_of_names
from prodassoc_cli.intake.catalogue.markup import without_markup
from prodassoc_cli.intake.catalogue.prices import lowest_prices
from prodassoc_cli.intake.columns.schema import REJECTS, ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.resemblance.lookalikes import lookalike_groups


def table(**columns: list[str | None]) -> RawTable:
    frame = pl.DataFrame(columns)
    rows = pl.Series(ROW, range(1, frame.height + 1), pl.Int64)
    return RawTable("catalogue.csv", frame.with_columns(rows), pl.DataFrame(schema=REJECTS))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<p>Warm <b>van</b>illa</p><style>p{color:red}</style>Two<br>lines", "Warm vanilla Two lines"),
        ("<div>a<script>var x = '<p>'</script></div>", "a"),
        ("<!-- draft -->Mug", "Mug"),
        ("&lt;p&gt;Tea &amp;amp; cup&lt;/p&gt;", "Tea & cup"),
        ("<ul><li>one<li>two</ul>", "one two"),
        ("Salt &amp; pepper", "Salt & pepper"),
        # None of these is markup.
        ("a < b", "a < b"), ("I <3 tea", "I <3 tea"), ("Cable <2m>", "Cable <2m>"), ("Size <S>", "Size <S>"),
        ("AT&T", "AT&T"),
    ],
)  # fmt: skip
def test_html_becomes_what_a_reader_sees(written, read):
    assert without_markup(pl.Series([written, None]))[0].to_list() == [read, None]


@pytest.mark.parametrize(
    ("written", "lowest"),
    [
        ("10.00 - 12.00 USD", 10.0), ("$10-$12", 10.0), ("10€ – 12€", 10.0), ("EUR 10 to EUR 12", 10.0),
        ("from 3.50", 3.5), ("$99+", 99.0), ("ab 5.99 €", 5.99), ("¥100～200", 100.0), ("100起", 100.0),
        # None of these is a range.
        ("1e-2", 0.01), ("12.-", 12.0), ("7", 7.0),
    ],
)  # fmt: skip
def test_of_a_range_of_prices_the_lowest_counts(written, lowest):
    made = clean_catalogue([table(sku=["a", "b"], price=[written, "1.00"])], {})
    assert made.products["price"].to_list() == [lowest, 1.0]
    assert any("range" in note for note in made.notes) == (lowest_prices(pl.Series([written]))[1] > 0)


def test_what_is_paid_now_is_the_sale_price():
    made = clean_catalogue(
        [table(id=["a", "b"], title=["x", "y"], price=["9 EUR", "5 EUR"], sale_price=["7 EUR", ""])], {}
    )
    assert made.products["price"].to_list() == [7, 5]
    assert made.columns["price"] == "sale_price|price"


def test_a_category_is_a_path_of_several_columns():
    levels = {"department": ["Food", "Food", None], "aisle": ["Dairy", "Food", "x"], "type": ["Milk", "", ""]}
    mapping = {"category": "department>aisle>type"}
    made = clean_catalogue([table(sku=["1", "2", "3"], **levels)], mapping)
    assert made.products["category"].to_list() == ["Food > Dairy > Milk", "Food", "x"]
    numbered = {f"category_{level}": [name] for level, name in enumerate(("Home", "Light", "Lamps"), 1)}
    assert (
        clean_catalogue([table(sku=["1"], **numbered)], {}).products["category"][0] == "Home > Light > Lamps"
    )


def test_category_ids_get_names_with_their_parents():
    names = paths_of_names(
        table(category_id=["1", "2", "2"], name=["Home", "Candles", "again"], parent_id=[None, "1", None])
    )
    assert names.rows() == [("1", "Home"), ("2", "Home > Candles")]
    paths, unknown = named(pl.Series(["2", "7 > 1", None]), names)
    assert paths.to_list() == ["Home > Candles", "7 > Home", None]
    assert unknown.to_list() == ["7"]
    made = clean_catalogue([table(sku=["a"], category_id=["2"], category=["x"])], {}, category_names=names)
    assert made.products["category"].to_list() == ["Home > Candles"]
    circle = paths_of_names(table(id=["1", "2"], name=["a", "b"], parent_id=["2", "1"]))
    assert circle.height == 2
    with pytest.raises(BadData, match="no columns of category ids and names; columns: x"):
        paths_of_names(table(x=["1"]))


def test_products_that_look_alike_are_counted():
    products = pl.DataFrame(
        {"title": ["Mug", "mug ", "Mug", "Tin", None, None], "brand": ["A", "a", "B", None, None, None]}
    )
    assert lookalike_groups(products).to_list() == [0, 0, -1, -1, -1, -1]
    made = clean_catalogue([table(sku=["1", "2", "3"], name=["Mug", "Mug", "Tin"])], {})
    assert any("2 products share 1 title and brand, such as 'Mug'" in note for note in made.notes)
