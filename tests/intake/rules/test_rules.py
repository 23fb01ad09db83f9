from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.rules.core import rare
from prodassoc_cli.intake.rules.outliers import outliers
from prodassoc_cli.intake.rules.rules import RULES

HEADER = "order_id,customer_id,product_id,quantity,price,date,description\n"


def reasons(result):
    return dict(result.rejects.select("row", "reason").rows())


def test_each_rule_leaves_out_its_row_and_says_which(clean):
    result = clean(
        HEADER
        + "100,u1,a1,1,2.5,2024-01-31,A\n"  # 1 kept
        + "C101,u1,a1,-1,2.5,2024-01-31,A\n"
        + "102,u1,,1,2.5,2024-01-31,A\n"
        + "102,u1,a1,1,2.5,31-31-2024,A\n"
        + "102,u1,a1,many,2.5,2024-01-31,A\n"  # 5
        + "102,u1,a1,1,dear,2024-01-31,A\n"
        + "102,u1,a1,0,2.5,2024-01-31,A\n"
        + "102,u1,a1,1,-2.5,2024-01-31,A\n"
        + "102,,a1,1,0,2024-01-31,damaged\n"
        + "102,u1,Post,1,18,2024-01-31,POSTAGE\n"  # 10
        + "100,u1,a1,1,2.5,2024-01-31,A\n"
        + "103,u1,a1,1,0,2024-01-31,gift\n"  # 12 kept
        + "103,,a2,1,5,2024-01-31,B\n"  # 13 kept
        + "103,u1,a2\n"
    )
    assert reasons(result) == {
        2: "cancelled_order", 3: "missing_product", 4: "unparsable_timestamp", 5: "unparsable_quantity",
        6: "unparsable_price", 7: "quantity_not_positive", 8: "price_negative", 9: "stock_adjustment",
        10: "non_product_code", 11: "duplicate_line", 14: "broken_row",
    }  # fmt: skip
    assert result.summary["rows_in"] == 14
    assert result.summary["rows_kept"] == 3 == result.interactions.height
    assert result.summary["missing_user"] == 2
    assert result.rejects.row(1) == ("orders.csv", 3, "missing_product", "102,u1,,1,2.5,2024-01-31,A")
    assert set(result.rejects["reason"]) <= {rule.name for rule in RULES}
    assert list(result.summary["rejects"]) == [
        rule.name for rule in RULES if rule.name in result.summary["rejects"]
    ]


def test_raw_is_csv_again(clean):
    result = clean('order_id,product_id,quantity,description\n1,a,-1,"say ""hi"", all"\n2,b,1,x\n')
    assert result.rejects["raw"].to_list() == ['1,a,-1,"say ""hi"", all"']


def test_letters_are_products_where_products_are_letters(clean):
    result = clean("order_id,product_id\n1,A\n1,D\n2,M\n2,C2\n3,B\n")
    assert not result.summary["rejects"]
    assert result.interactions.height == 5
    coded = clean("order_id,product_id\n1,10A\n1,D\n2,M\n2,20\nC3,30\n3,30\n4,40\n4,50\n")
    assert coded.summary["rejects"] == {"cancelled_order": 1, "non_product_code": 2}


def test_service_codes_are_the_users_to_choose(clean):
    text = "order_id,product_id\n1,FEE1\n1,a\n2,POST\n"
    assert clean(text, service_codes="fee.").interactions["product_id"].to_list() == ["a", "POST"]
    assert clean(text, service_codes="").interactions.height == 3
    with pytest.raises(UsageProblem, match="regular expression"):
        clean(text, service_codes="(")


def test_equal_rows_without_order_and_time_may_be_two_purchases(clean):
    assert clean("customer_id,product_id\nu,a\nu,a\n").interactions.height == 2
    assert clean("order_id,product_id\n1,a\n1,a\n").summary["rejects"] == {"duplicate_line": 1}
    assert clean("order_id,product_id,quantity\n1,a,1\n1,a,2\n").interactions.height == 2


def test_outliers_are_flagged_and_dropped_on_demand(clean):
    rows = [f"{row},u,p{row % 2},{1 + row % 5},{10 + row % 3},2024-01-31,x" for row in range(100)]
    rows += ["900,u,p1,2,100000,2024-01-31,x", "901,u,p0,50000,10,2024-01-31,x"]
    text = HEADER + "\n".join(rows)
    flagged = clean(text)
    assert flagged.summary["flagged_outliers"] == {"price": 1, "quantity": 1}
    assert flagged.interactions.height == 102
    dropped = clean(text, drop_outliers=True)
    assert reasons(dropped) == {101: "outlier_price", 102: "outlier_quantity"}


def test_outliers_are_judged_within_the_product():
    cheap, dear = [("a", 1.0 + row / 100) for row in range(30)], [("b", 500.0 + row) for row in range(30)]
    frame = pl.DataFrame(
        [*cheap, *dear, ("a", 500.0), ("c", 2.0)], schema=["product_id", "price"], orient="row"
    )
    counts = frame.group_by("product_id", "price").agg(n=pl.len())
    assert outliers(counts, "price").rows() == [("a", 500.0, 1)]
    nothing = pl.DataFrame({"product_id": ["a"], "price": [0.0], "n": [3]})
    assert outliers(nothing, "price").is_empty()


def test_the_core_is_found_over_and_over():
    edges = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "b"), ("u3", "b"), ("u3", "c"), (None, "a")]
    frame = pl.DataFrame(edges, schema={"user_id": pl.String, "product_id": pl.String}, orient="row")
    # c is rare; without it u3 is.
    assert rare(frame, 2, 2).cast(pl.String).to_list() == [None] * 4 + ["rare_user", "rare_product", None]


def test_when_no_row_is_left_the_error_says_why(clean):
    with pytest.raises(BadData, match=r"every row is left out, most as unparsable_timestamp .first row 1"):
        clean(HEADER + "1,u,a,1,1,soon,x\n2,u,b,1,1,later,x\n")


def test_the_event_may_be_told(clean):
    assert clean("user_id,product_id\nu,a\n", event="view").interactions["event"].to_list() == ["view"]
    rated = clean("user_id,product_id,rating\nu,a,5\nu,b,\n")
    assert rated.interactions["event"].to_list() == ["rating"]
    assert rated.summary["rejects"] == {"missing_rating": 1}
