from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.dates import parse_times
from prodassoc_cli.intake.values.numbers_ids import parse_events, parse_ids, parse_numbers


def numbers(*values, **options):
    parsed = parse_numbers(pl.Series(values), **options)
    return parsed.values.to_list()


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["1", " 2 ", "-3.5", "", "NA", "1e3"], [1, 2, -3.5, None, None, 1000]),
        (["1,5", "2", "1.234,50", "-0,25"], [1.5, 2, 1234.5, -0.25]),
        (["1,234.50", "7", "1,000"], [1234.5, 7, 1000]),
        (["1,234", "2.5"], [1234, 2.5]),
        (["1,234", "2,5"], [1.234, 2.5]),
        (["1.234.567", "3,25"], [1234567, 3.25]),
        (["1,234,567", "8"], [1234567, 8]),
        (["1 234,5", "2\u00a0000,25"], [1234.5, 2000.25]),
        (["$1,200.00", "£5.5"], [1200, 5.5]),
        (["1'200.50", "3"], [1200.5, 3]),
    ],
)
def test_numbers_as_a_column_writes_them(texts, wanted):
    assert numbers(*texts) == wanted


def test_what_nothing_decides_follows_the_delimiter():
    assert numbers("1,234", "2") == [1234, 2]
    assert numbers("1,234", "2", decimal_comma=True) == [1.234, 2]


@pytest.mark.parametrize("bad", ["abc", "1.2.3", "inf", "--1", "1,2,3", "12 apples"])
def test_what_is_no_number_is_marked(bad):
    parsed = parse_numbers(pl.Series(["1.5", bad, "", "2.5"]))
    assert parsed.values.to_list() == [1.5, None, None, 2.5]
    assert parsed.bad.to_list() == [False, True, False, False]


def test_typed_numbers_that_are_none_are_marked():
    parsed = parse_numbers(pl.Series([1.0, float("inf"), float("nan"), None]))
    assert parsed.values.to_list() == [1.0, None, None, None]
    assert parsed.bad.to_list() == [False, True, True, False]


@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 2)), min_size=1, max_size=20))
def test_both_ways_of_writing_a_number_give_the_same(values):
    values = [*values, 1234567.25]
    english = [f"{value:,.2f}" for value in values]
    german = [text.translate(str.maketrans(",.", ".,")) for text in english]
    assert numbers(*english) == numbers(*german) == values


def test_ids_stay_as_they_are():
    texts = ["00123", " x", "1e5", "17850.0", "a,b\n", "é", "  ", "", None, "nan"]
    assert parse_ids(pl.Series(texts)).to_list() == [*texts[:6], None, None, None, None]
    floats = parse_ids(pl.Series([17850.0, None, 1.5, float("nan")])).to_list()
    assert floats == ["17850", None, "1.5", None]
    assert parse_ids(pl.Series([7, None])).to_list() == ["7", None]


def test_events_go_by_many_names():
    parsed = parse_events(pl.Series(["Purchase", "add to cart", "view_item", "购买", "scroll", None]))
    assert parsed.values.to_list() == ["purchase", "cart", "view", "purchase", None, None]
    assert parsed.bad.to_list() == [False, False, False, False, True, False]


def times(*texts, **options):
    return parse_times(pl.Series(texts), **options)


AT = datetime(2024, 3, 5, 14, 30)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05 14:30:00", "2024-03-05T14:30", "2024-03-05T14:30:00Z", "2024-03-05T16:30:00+02:00",
        "2024-03-05T09:00:00.000-0530", "2024/3/5 14:30", "5.3.2024 14:30", "5 Mar 2024 14:30",
        "Mar 5, 2024 2:30 PM",
        "March 5 2024 14:30:00", "Tue, 05 Mar 2024 14:30:00", "05-Mar-2024 14:30", "1709649000",
        "1709649000000",
        "1709649000000000", "1709649000.0", "20240305143000", "2024-03-05 14:30:00 UTC",
        "2024-03-05 02:30 p.m.",
    ],
)  # fmt: skip
def test_many_shapes_of_a_time(text):
    assert times(text).values.to_list() == [AT]
    # Also where another shape leads the column.
    assert times("1999-01-01", text).values.to_list() == [datetime(1999, 1, 1), AT]


@pytest.mark.parametrize(
    "bad", ["2024-02-30", "31/31/2024", "25:00", "soon", "2024-03-05 25:00", "20249999", "12", "0024-01-31"]
)
def test_what_is_no_time_is_marked(bad):
    parsed = times("2024-03-05 14:30:00", bad, "", None)
    assert parsed.values.to_list() == [AT, None, None, None]
    assert parsed.bad.to_list() == [False, True, False, False]


def test_one_value_decides_for_the_column():
    assert times("1/2/2024", "13/2/2024").values.to_list() == [datetime(2024, 2, 1), datetime(2024, 2, 13)]
    assert times("1/2/24", "2/13/24").values.to_list() == [datetime(2024, 1, 2), datetime(2024, 2, 13)]
    assert times("24-03-05", "31-03-05").values[0] == datetime(2005, 3, 24)
    # The data's word is stronger than the user's.
    assert times("1/2/2024", "13/2/2024", dayfirst=False).values[0] == datetime(2024, 2, 1)


def test_an_open_order_is_an_error_that_a_flag_settles():
    with pytest.raises(BadData) as caught:
        times("1/2/2024", "3/4/2024")
    assert "--dayfirst" in caught.value.hint
    assert "--monthfirst" in caught.value.hint
    assert times("1/2/2024", dayfirst=True).values.to_list() == [datetime(2024, 2, 1)]
    assert times("1/2/2024", dayfirst=False).values.to_list() == [datetime(2024, 1, 2)]
    assert times("1/2/2024", preset=False, dayfirst=True).values.to_list() == [datetime(2024, 2, 1)]
    assert times("1/2/2024", preset=False).values.to_list() == [datetime(2024, 1, 2)]
    assert times("2/2/2024").values.to_list() == [datetime(2024, 2, 2)]


def test_a_column_that_has_it_both_ways():
    mixed = ["13/1/2024", "1/14/2024"]
    with pytest.raises(BadData, match="day/month in 1 values and month/day in 1"):
        times(*mixed)
    parsed = times(*mixed, dayfirst=True)
    assert parsed.values.to_list() == [datetime(2024, 1, 13), None]
    assert parsed.bad.to_list() == [False, True]
    few = [f"{1 + day % 12}/{13 + day % 15}/{2000 + day // 12}" for day in range(200)]
    parsed = times(*few, "13/1/2024")
    assert parsed.bad.sum() == 1


def test_typed_times():
    zoned = pl.Series([AT]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    assert parse_times(zoned).values.to_list() == [AT]
    assert parse_times(pl.Series([AT.date()])).values.to_list() == [datetime(2024, 3, 5)]
    far = parse_times(pl.Series([2**62, 0, None]).cast(pl.Datetime("us")))
    assert far.values.to_list() == [None, datetime(1970, 1, 1), None]
    assert far.bad.to_list() == [True, False, False]
    assert parse_times(pl.Series([1709649000, None])).values.to_list() == [AT, None]


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), min_size=1, max_size=20))
def test_formatted_times_come_back(moments):
    moments = [each.replace(microsecond=0) for each in (*moments, datetime(2024, 5, 31))]
    for form in (
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%dT%H:%M:%S",
        "%d %b %Y %H:%M:%S",
        "%Y%m%d%H%M%S",
    ):
        assert times(*(each.strftime(form) for each in moments)).values.to_list() == moments
