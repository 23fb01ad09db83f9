"""Interactions are sorted by numbers where those decide, and that is the order of all keys."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.intake.arrange.sorting import SORT_KEYS, RowOrder, in_order
from prodassoc_cli.intake.columns.schema import INTERACTIONS
from prodassoc_cli.intake.rules import outliers
from prodassoc_cli.intake.rules.outliers import Amounts
from prodassoc_cli.intake.values.categories import Coding, as_texts, coded, distinct_texts, numbered
from prodassoc_cli.intake.values.ids import parse_ids

TIMES = st.sampled_from(
    [None, *(datetime(1969, 12, 31, 23, 59) + timedelta(seconds=n / 2) for n in range(3))]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from([None, "u", "U", "é"]),
            "order_id": st.sampled_from([None, "1", "10"]),
            "product_id": st.sampled_from(["", "a", "aa", "b", "ü"]),
            "event": st.sampled_from(["purchase", "view"]),
            "quantity": st.sampled_from([None, 1.0, 2.0]),
            "price": st.sampled_from([None, 0.1]),
            "rating": st.none(),
            "timestamp": TIMES,
        }
    ),
    max_size=25,
)


@given(ROWS, st.booleans())
def test_the_order_is_that_of_all_keys(rows, known):
    frame = pl.DataFrame(rows, schema=INTERACTIONS)
    given_ = frame.with_columns(coded(frame["product_id"])) if known else frame
    expected = frame.sort(SORT_KEYS, nulls_last=True)
    assert as_texts(in_order(given_)).equals(expected)
    if frame["timestamp"].count():
        order = RowOrder.of(frame["timestamp"], frame["user_id"], coded(frame["product_id"]))
        brought = given_ if order.rows is None else given_[order.rows]
        assert as_texts(in_order(brought, order.codes)).equals(expected)


@given(ROWS.filter(lambda rows: any(row["timestamp"] for row in rows)))
def test_neighbours_are_those_of_one_time_and_product(rows):
    frame = pl.DataFrame(rows, schema=INTERACTIONS).with_row_index("at")
    order = RowOrder.of(frame["timestamp"], frame["user_id"], coded(frame["product_id"]))
    found = frame if order.rows is None else frame[order.rows]
    nobody = pl.col("user_id").is_null()
    keys = ["timestamp", nobody, "product_id"]
    assert found.equals(frame.sort(*keys, "at", nulls_last=True))
    expected = frame.select(pl.struct(*keys).is_duplicated()).to_series()
    assert order.alike().to_list() == expected.arg_true().to_list()
    rows_, codes = order.among(frame["quantity"].is_null())
    left = found.filter(pl.col("quantity").is_null())
    assert frame[rows_].equals(left)
    assert len(codes.values) == left.height
    assert codes.values.is_sorted()


@given(st.lists(st.none() | st.text(max_size=3)))
def test_codes_know_their_texts_and_have_their_order(texts):
    column = pl.Series("text", texts, dtype=pl.String)
    codes = coded(column)
    assert codes.cast(pl.String).equals(column)
    assert distinct_texts(codes).equals(column.drop_nulls().unique().sort(), check_names=False)
    whole = column.drop_nulls()
    numbers, distinct = numbered(whole)
    assert distinct.gather(numbers).equals(whole, check_names=False)


@given(st.lists(st.lists(st.none() | st.sampled_from(["", " ", "a", "b", "aa", "é", "null"]))))
def test_a_text_has_one_number_in_all_pieces(pieces):
    products = Coding(parse_ids)
    columns = [pl.Series("text", texts, dtype=pl.String) for texts in pieces]
    numbers = [products.number(column) for column in columns]
    known = parse_ids(pl.Series([text for texts in pieces for text in texts], dtype=pl.String)).drop_nulls()
    for column, number in zip(columns, numbers, strict=True):
        codes = products.coded(number)
        assert codes.cast(pl.String).equals(parse_ids(column))
        assert products.text_of(number).equals(column)
        assert codes.to_physical().equals(products.coded(number).to_physical())
        assert set(distinct_texts(codes)) <= set(known)
    if numbers:
        whole = products.coded(pl.concat(numbers))
        assert distinct_texts(whole).equals(known.unique().sort(), check_names=False)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from([None, -1.0, 0.0, 0.1, 0.29, 1.005, 1e-9, 19.99, 1e13, 2e300, float("inf")])
            | st.integers(0, 9).map(float),
        ),
        min_size=1,
    ),
    st.integers(1, 30),
)
def test_amounts_are_counted_exactly_a_piece_at_a_time(pairs, rows):
    frame = pl.DataFrame(pairs, schema={"product_id": pl.String, "price": pl.Float64}, orient="row")
    amounts = Amounts("price")
    for piece in frame.with_columns(coded(frame["product_id"])).iter_slices(rows):
        amounts.add(piece["product_id"], piece["price"])
    found = amounts.table()
    expected = (
        frame.filter(pl.col("price") > 0).group_by("product_id", "price").agg(n=pl.len().cast(pl.Int64))
    )
    assert found.sort("product_id", "price").equals(expected.sort("product_id", "price"))


def test_amounts_of_more_products_than_an_integer_holds_are_counted_too(monkeypatch):
    monkeypatch.setattr(outliers, "_CENTS", 2**62)
    amounts = Amounts("quantity")
    amounts.add(coded(pl.Series(["a", "b", "a", "c"])), pl.Series([1.0, 2.0, 1.0, None]))
    assert sorted(amounts.table().rows()) == [("a", 1.0, 2), ("b", 2.0, 1)]
