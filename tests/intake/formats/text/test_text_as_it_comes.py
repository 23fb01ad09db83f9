"""Texts that are more, or less, than a header and rows: nothing is lost, or what is lost is said."""

from __future__ import annotations

import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

ROWS = "1,milk,2\n1,bread,1\n2,milk,1\n2,jam,3\n"
ORDERS = "order_id,product_id,quantity\n" + ROWS
FOUR = {("1", "milk", 2.0), ("1", "bread", 1.0), ("2", "milk", 1.0), ("2", "jam", 3.0)}


def lines(result) -> set[tuple[str, str, float]]:
    return set(result.interactions.select("order_id", "product_id", "quantity").rows())


@pytest.mark.parametrize(
    "before",
    [
        "Sales of May\n",
        "Sales of May\n\n\n",
        "Sales of May,,\nPeriod: 1.5. - 31.5.,,\n,,\n",
        "shop,Harbour,2\nmade,2024-01-31,export\n",
        "# made by the till\n# at noon, by Ann\n",
        "\n\n",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_before_the_header_are_passed_over_and_said(clean, before, line_end):
    result = clean((before + ORDERS).replace("\n", line_end).encode())
    assert lines(result) == FOUR
    assert result.summary["rejects"] == {}
    if before.strip():
        assert any(
            "what stands before it is passed over" in said and "skip_rows" in said for said in clean.said
        )


def test_rows_are_numbered_from_the_first_row_of_data(clean):
    result = clean("Sales of May\n\n" + ORDERS + "3,,1\n")
    assert result.rejects.select("row", "raw").rows() == [(5, "3,,1")]


def test_the_user_may_say_how_many_lines_to_skip(clean):
    assert lines(clean("order,item,n\nnot,these,1\n" + ORDERS, skip_rows=2)) == FOUR
    with pytest.raises(BadData, match="empty"):
        clean(ORDERS, skip_rows=9)


def test_the_user_may_say_whether_there_is_a_header(clean):
    result = clean("a,b\nc,d\n", header=False, map=["order_id=1", "product_id=2"])
    assert set(result.interactions["product_id"]) == {"b", "d"}
    result = clean("7,8\n1,a\n2,b\n", header=True, map=["order_id=7", "product_id=8"])
    assert set(result.interactions["product_id"]) == {"a", "b"}


def test_columns_that_are_mapped_name_the_header(clean):
    result = clean("x,y,z\nk1,k2,k3\n1,milk,2\n", map=["order_id=k1", "product_id=k2", "quantity=k3"])
    assert lines(result) == {("1", "milk", 2.0)}


@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
def test_excels_line_names_the_delimiter(clean, mark):
    text = f"sep={mark}\n" + ORDERS.replace(",", mark)
    assert lines(clean(text)) == FOUR
    assert lines(clean(text.replace("\n", "\r\n").encode("utf-8-sig"))) == FOUR
    assert lines(clean(text.encode("utf-16"))) == FOUR


@pytest.mark.parametrize(
    "header",
    [
        "order_id,product_id,quantity\norder_id,product_id,quantity\n",
        "order_id,product_id,quantity\n,,[pcs]\n",
        "order_id,product_id,quantity\ntext,text,integer\n",
        "Order,Goods,\nDocument,Article,Quantity\n",
    ],
)
def test_a_header_of_two_rows(clean, header):
    mapped = ["order_id=Order Document"] if "Goods" in header else []
    result = clean(header + ROWS, map=mapped)
    assert lines(result) == FOUR
    assert any("a header of 2 rows" in said for said in clean.said)


@pytest.mark.parametrize("first", ["G,G,G", "g,ml,pc"])
def test_a_row_of_data_that_could_name_units_is_none_of_the_header(clean, first):
    """One of its cells stands in another row too."""
    order, user, _ = first.split(",")
    result = clean(f"order_id,user_id,product_id\n{first}\n{order},{user},a\n0,v,b\n")
    assert result.summary["rows_in"] == 3


def test_a_header_repeated_in_the_middle_is_a_reject(clean):
    for text in (ORDERS + ORDERS, "Sales\n" + ORDERS + ORDERS):
        result = clean(text)
        assert lines(result) == FOUR
        assert result.summary["rejects"] == {"duplicate_line": 4, "repeated_header": 1}
        assert result.rejects.filter(reason="repeated_header").row(0)[1:] == (
            5, "repeated_header", "order_id,product_id,quantity",
        )  # fmt: skip


@pytest.mark.parametrize("total", ["Total,,7", "Summe:,,7", "合计,,7", ",,7"])
def test_a_total_at_the_end(clean, total):
    result = clean(ORDERS + total + "\n")
    assert lines(result) == FOUR
    if total != ",,7":
        assert result.summary["rejects"] == {"total_row": 1}
        assert any("total" in said and "keep_totals" in said for said in clean.said)
        kept = clean("order_id,product_id\n1,a\n2,b\nTotal,2\n", keep_totals=True)
        assert kept.interactions.height == 3


def test_a_product_called_total_is_no_total(clean):
    assert clean("product_id,order_id\nmilk,1\nbread,1\nmilk,2\n").interactions.height == 3
    assert clean("order_id,product_id\n1,milk\n1,bread\n2,Total\n").interactions.height == 3


def test_delimiters_at_the_end_of_data_only(clean):
    assert lines(clean("order_id,product_id,quantity\n" + ROWS.replace("\n", ",\n"))) == FOUR
    assert lines(clean("order_id,product_id,quantity\n" + ROWS.replace("\n", ",,\n"))) == FOUR
    assert lines(clean("order_id,product_id,quantity,\n" + ROWS)) == FOUR


def test_rows_that_are_numbered_in_a_column_without_a_name(clean):
    numbered = "".join(f"{at},{line}\n" for at, line in enumerate(ROWS.splitlines(), 1))
    assert lines(clean("order_id,product_id,quantity\n" + numbered)) == FOUR


def test_a_header_that_lacks_a_name_is_refused(clean):
    with pytest.raises(BadData, match="most rows are broken"):
        clean("order_id,product_id\n" + ROWS)


def test_single_quotes(clean):
    text = "order_id,product_id,quantity\n1,'milk, fresh',2\n1,'bread',1\n2,'jam, red',3\n"
    result = clean(text)
    assert set(result.interactions["product_id"]) == {"milk, fresh", "bread", "jam, red"}
    assert any("fields stand between '" in said for said in clean.said)
    names = clean("order_id,product_id\n1,Kids' boots\n1,'n sync\n2,Men's hat\n")
    assert set(names.interactions["product_id"]) == {"Kids' boots", "'n sync", "Men's hat"}


@pytest.mark.parametrize("mark", [", ", "; ", ","])
def test_a_blank_before_a_quote(clean, mark):
    rows = (
        ("order_id", "product_id", "quantity"),
        ("1", '"milk, fresh; cold"', "2"),
        ("1", '"a, ""b"""', "1"),
    )
    text = "".join(mark.join(row) + "\n" for row in rows)
    assert lines(clean(text)) == {("1", "milk, fresh; cold", 2.0), ("1", 'a, "b"', 1.0)}
    some = 'order_id,product_id,quantity\n1, "milk, fresh",2\n2,"a ""b, c""",3\n3, "",1\n4,x, 2\n'
    result = clean(some)
    assert lines(result) == {("1", "milk, fresh", 2.0), ("2", 'a "b, c"', 3.0), ("4", "x", 2.0)}


def test_backslash_escapes(clean):
    text = 'order_id,product_id,quantity\n1,"mug \\"red\\", large",2\n1,"plain",1\n2,"tea, green",1\n'
    result = clean(text)
    assert lines(result) == {("1", 'mug "red", large', 2.0), ("1", "plain", 1.0), ("2", "tea, green", 1.0)}
    assert any("backslash" in said for said in clean.said)
    folders = clean('order_id,product_id\n1,"c:\\"\n2,"d, e"\n')
    assert set(folders.interactions["product_id"]) == {"c:\\", "d, e"}


def test_quotes_that_do_not_pair_are_letters(clean):
    text = 'order_id\tproduct_id\tquantity\n1\tBlue "Jumbo" mug 12"\t2\n1\t"Quoted start\t1\n2\tTea\t1\n'
    result = clean(text)
    assert lines(result) == {
        ("1", 'Blue "Jumbo" mug 12"', 2.0),
        ("1", '"Quoted start', 1.0),
        ("2", "Tea", 1.0),
    }
    assert any("quotes are letters" in said and "quote=" in said for said in clean.said)
    told = clean('order_id,sku,title\n1,MUG,"Jumbo\n1,TEA,Tea\n2,MUG,"Jumbo\n2,TEA,Tea\n', quote="none")
    assert told.interactions.height == 4


def test_blanks_as_delimiters(clean):
    text = 'order_id product_id quantity\n1 "milk fresh" 2\n1 bread 1\n2 milk 1\n'
    assert lines(clean(text)) == {("1", "milk fresh", 2.0), ("1", "bread", 1.0), ("2", "milk", 1.0)}
    fimi = clean("1 2 3\n2 3 4\n1 3 5\n")
    assert fimi.summary["inputs"][0]["layout"] == "fimi"


def test_comment_lines(clean):
    text = "# the till\n" + ORDERS.replace("2,milk", "# closed for lunch\n2,milk")
    assert clean(text).summary["rejects"] == {"broken_row": 1}
    result = clean(text, comment="#")
    assert lines(result) == FOUR
    assert result.summary["rejects"] == {}


@pytest.mark.parametrize("option", [{"quote": "ab"}, {"comment": ""}, {"escape": "\\\\"}, {"delimiter": ""}])
def test_an_option_that_is_no_character(clean, option):
    with pytest.raises(UsageProblem):
        clean(ORDERS, **option)


def test_a_lone_quote_in_a_basket_is_a_letter(clean):
    text = 'milk,bread\nMug 12" tall,bread,jam\n"Salt, fine",bread,,"a ""b"""\n'
    result = clean(text, layout="baskets")
    assert set(result.interactions["product_id"]) == {
        "milk", "bread", 'Mug 12" tall', "jam", "Salt, fine", 'a "b"',
    }  # fmt: skip


def test_a_catalogue_may_have_titles_too(clean, tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_text("Our goods;;\n;;\nsku;title;price\nmilk;Milk;1,20\n")
    result = clean(ORDERS, products=str(path), products_output="x")
    assert result.products.filter(product_id="milk")["title"].item() == "Milk"


@pytest.mark.parametrize("content", ["", "\n\n", "order_id,product_id,quantity\n"])
def test_an_input_without_rows_is_passed_over_among_others(tmp_path, content):
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for path in paths:
        path.write_text(content)
    said: list[str] = []
    with pytest.raises(BadData, match=r"is empty|no rows"):
        clean_orders(sources(*paths), CleanConfig(), said.append)
    for at in range(3):
        paths[at].write_text(ORDERS)
        assert lines(clean_orders(sources(*paths), CleanConfig(), said.append)) == FOUR
        paths[at].write_text(content)
    assert sum("passed over" in line for line in said) == 8


@pytest.mark.parametrize("second", ["order_id,product_id,quantity,price\n", "sku,title\n"])
def test_another_table_below_is_left_out_and_said(clean, second):
    rows = "7,tea,1,2.5\n" if "price" in second else "tea,Tea\n"
    result = clean(ORDERS + second + rows * 9)
    assert lines(result) == FOUR
    assert result.summary["rejects"] == {"broken_row": 10}
    assert any("another table begins in row 5" in line for line in clean.said)
