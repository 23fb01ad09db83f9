from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.events import parse_events
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.missing import NOBODY_WORDS
from prodassoc_cli.intake.values.numbers import parse_numbers
from tests.intake.values.times import parse_times


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


def ids(*texts, **options):
    return parse_ids(pl.Series(texts), **options).to_list()


def test_ids_stay_as_they_are():
    texts = ["00123", "1e5", "17850.0", "a,b", "é", "#1001", "=", "o'clock", "'n roll", "(new)", "-7"]
    assert ids(*texts) == texts
    assert ids("  ", "", None) == [None, None, None]
    floats = parse_ids(pl.Series([17850.0, None, 1.5, float("nan")])).to_list()
    assert floats == ["17850", None, "1.5", None]
    assert parse_ids(pl.Series([7, None])).to_list() == ["7", None]


def test_what_cannot_be_seen_around_an_id_does_not_count():
    assert (
        ids(" whole milk", "whole milk\u00a0", "whole milk\u200b", "\ufeffwhole milk\t") == ["whole milk"] * 4
    )
    assert ids("whole\u00a0milk") == ["whole\u00a0milk"]


def test_what_keeps_a_spreadsheet_from_reading_a_number_is_no_part_of_an_id():
    assert ids('="00123"', "=00123", "'00123", ' ="00123" ') == ["00123"] * 4


def test_words_for_a_missing_id():
    words = ["NA", "N/A", "n/a", "-", "none", "NONE", "Null", "NaN", "\\N", "<NA>", "#N/A", " NA ", "(null)"]
    assert ids(*words) == [None] * len(words)
    assert ids("Nana", "Noneta", "n", "--a") == ["Nana", "Noneta", "n", "--a"]
    assert ids("(not set)", "undefined", "Guest", missing=NOBODY_WORDS) == [None] * 3
    assert ids("NA", "0", "7", missing=("0",)) == ["NA", None, "7"]


def test_ids_that_a_data_frame_wrote_as_floats():
    assert ids("40085.0", "1.5", "x.0", "7", floats=True) == ["40085", "1.5", "x.0", "7"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=1))
def test_an_id_is_read_the_same_alone_and_again(texts):
    read = ids(*texts)
    assert read == [ids(text)[0] for text in texts]
    assert [each for each in read if each] == ids(*[each for each in read if each])


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["($4.50)", "$9.90", "$1,234.50"], [-4.5, 9.9, 1234.5]),
        (["₹1,23,456.00", "₹99.00"], [123456, 99]),
        (["Rs. 1,450.00", "Rs. 99.00"], [1450, 99]),
        (["7,25 EUR", "1.049,50 €", "12.999,00€"], [7.25, 1049.5, 12999]),
        (["349.00 USD", "CHF 12.50", "US$7.25"], [349, 12.5, 7.25]),
        (["5,-", "1.250,-"], [5, 1250]),
        (["1,234.50-", "7"], [-1234.5, 7]),
        (["１２３", "￥5.00", "19.80元"], [123, 5, 19.8]),
        (["1 234,50 kr", "12,90 zł", "5,00 Kč"], [1234.5, 12.9, 5]),
        (["Free", "39.00 - 59.00", "2 apples", "4.50"], [None, None, None, 4.5]),
    ],
)  # fmt: skip
def test_amounts_of_money(texts, wanted):
    assert numbers(*texts) == wanted


def test_several_currencies_are_told():
    assert "EUR, USD are taken as one currency" in parse_numbers(pl.Series(["$5.00", "5.00 EUR"])).note
    assert "currency" not in parse_numbers(pl.Series(["$5.00", "US$6.00", "7.00 USD"])).note


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
        "2024-03-05 02:30 p.m.", "2024年3月5日 14:30", "2024年3月5日(火)14時30分", "2024/3/5 下午 2:30",
        "2024년 3월 5일 오후 2시 30분", "05-MAR-24 02.30.00 PM", "5-Mar-24 14:30", "Mar-05-24 14:30",
        "5. März 2024 14:30", "5 de marzo de 2024 14:30", "5 mars 2024 14:30", "5 марта 2024 14:30",
        "2024-Mar-05 14:30", "202403051430", "45356.6041666667", "Mar 5, 2024 6:30:00 AM PST",
    ],
)  # fmt: skip
def test_many_shapes_of_a_time(text):
    assert times(text).values.to_list() == [AT]
    # Also where another shape leads the column.
    assert times("1999-01-01", text).values.to_list() == [datetime(1999, 1, 1), AT]


@pytest.mark.parametrize(
    "bad",
    [
        "2024-02-30",
        "31/31/2024",
        "25:00",
        "soon",
        "829",
        "5 Foo 2024",
        "2024-03-05 25:00",
        "20249999",
        "12",
        "0024-01-31",
    ],
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
    assert "`dayfirst=True`" in caught.value.hint
    assert "`dayfirst=False`" in caught.value.hint
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


def test_only_a_time_has_a_zone():
    assert "zone" not in times("21-07-2015", "05-01-2015").note
    assert "UTC" in times("2015-07-21 10:00-0300").note


def test_days_of_a_spreadsheet_are_told():
    parsed = times("45292", "45293.5")
    assert parsed.values.to_list() == [datetime(2024, 1, 1), datetime(2024, 1, 2, 12)]
    assert "such as 45292" in parsed.note
    assert parse_times(pl.Series([45292.0, None])).values.to_list() == [datetime(2024, 1, 1), None]


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


@pytest.mark.parametrize("text", ["0AAA٠0", "٢٠٢٤-٠١-٠٢", "1 Jan ٢٠٢٤"])
def test_digits_of_other_scripts_are_no_times(text):
    parsed = parse_times(pl.Series([text, "2024-01-03"]))
    assert parsed.bad.to_list() == [True, False]
