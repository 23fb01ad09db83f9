from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.catalogue.category_paths import category_path
from prodassoc_cli.intake.columns.schema import Caution

LINES = (
    "order_id,product_id,description,price\n1,001,LANTERN,2\n2,001,LANTERN,4\n3,001,lantern old,3\n"
    "4,b,B two,1\n5,b,A one,1\n6,c,,0\n7,z,Zed,9\n"
)


def test_products_are_derived_from_the_lines(clean):
    products = clean(LINES, products_output="p.parquet").products
    assert products.select("product_id", "title", "price").rows() == [
        ("001", "LANTERN", 3.0), ("b", "A one", 1.0), ("c", None, None), ("z", "Zed", 9.0),
    ]  # fmt: skip
    assert products.columns == ["product_id", "title", "description", "brand", "category", "price"]
    assert clean(LINES).products is None


def test_a_catalogue_is_cleaned_and_completed(clean, tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_text(
        "SKU,Product Name,Description,Brand,Department,Sub-Category,Price,Colour / Größe,price \n"
        '001,White lantern,"Hangs, shines",Acme,Home,Lights,"2.95",white,x\n'
        "b, B ,,,Home,Home,,,\n001,again,,,,,,,\n,no id,,,,,,,\nnever,Never sold,,,,,1,,\nshort,row\n"
    )
    result = clean(LINES, products=str(path), map=["products.category=Department"])
    products = result.products
    assert products.columns[:6] == ["product_id", "title", "description", "brand", "category", "price"]
    assert products.columns[6:] == ["colour_größe", "price_2"]
    assert products.row(0) == (
        "001",
        "White lantern",
        "Hangs, shines",
        "Acme",
        "Home > Lights",
        2.95,
        "white",
        "x",
    )
    assert products.row(1)[:6] == ("b", "B", None, None, "Home", None)
    assert products["product_id"].to_list() == ["001", "b", "c", "never", "z"]
    assert products.filter(pl.col("product_id") == "z")["title"].item() == "Zed"
    assert result.product_rejects.select("row", "reason").rows() == [
        (3, "duplicate_product"), (4, "missing_product"), (6, "broken_row"),
    ]  # fmt: skip
    assert result.summary["products"] == {
        "rows_in": 6, "rows_kept": 3, "derived": 2, "never_bought": 1, "products": 5,
        "rejects": {"broken_row": 1, "duplicate_product": 1, "missing_product": 1},
    }  # fmt: skip


def test_category_paths():
    assert category_path(pl.Series(["A>B", " A > B>", "C/D", ""])).to_list() == [
        "A > B",
        "A > B",
        "C/D",
        None,
    ]
    assert category_path(pl.Series(["A|B", None])).to_list() == ["A > B", None]
    assert category_path(pl.Series(["A / B", "/"])).to_list() == ["A > B", None]


def test_a_catalogue_without_ids_is_refused(clean, tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_text("foo,bar\n1,2\n")
    with pytest.raises(BadData, match="no column holds product ids"):
        clean(LINES, products=str(path))


def test_a_foreign_artifact_is_no_catalogue_and_no_order_lines(clean, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    table = pa.table({"antecedent": [["a"]], "product_id": ["x"]})
    path = tmp_path / "rules.parquet"
    pa.parquet.write_table(table.replace_schema_metadata({"prodassoc": '{"kind": "rules"}'}), path)
    with pytest.raises(BadData, match="holds rules, not a catalogue"):
        clean(LINES, products=str(path))
    with pytest.raises(BadData, match="holds rules, not order lines"):
        clean(path.read_bytes(), name="copy.parquet")


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("['Apparel', 'Tops']", "Apparel > Tops"), ('[["Apparel", "Tops"]]', "Apparel > Tops"),
        ("Apparel -> Tops", "Apparel > Tops"), ("Apparel → Tops", "Apparel > Tops"),
        ("Apparel &gt; Tops &amp; more", "Apparel > Tops & more"), ("Apparel|Tops", "Apparel > Tops"),
        ("Apparel", "Apparel"), ("", None),
    ],
)  # fmt: skip
def test_category_paths_of_many_kinds(written, path):
    assert category_path(pl.Series([written])).to_list() == [path]


def catalogue_of(
    clean, tmp_path, content: str, orders: str = "order_id,item_id\n1,00101\n2,00102\n", **options
):
    path = tmp_path / "catalogue.csv"
    path.write_text(content)
    return clean(orders, products=str(path), products_output="p.parquet", **options)


def test_what_is_left_out_of_a_catalogue_is_told(clean, tmp_path):
    catalogue_of(
        clean, tmp_path, "item_id,title,price\n00101,Jug,Free\n00102,Tin,soon\n00101,Mug,2\n,Pot,1\n"
    )
    told = "\n".join(clean.said)
    assert (
        "4 rows read, 2 kept; 1 duplicate rows of a product, whose first row counts; 1 without an id" in told
    )
    assert "2 prices could not be read, such as 'Free', 'soon'" in told
    assert "2 of 2 products of the lines are in the catalogue" in told


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        ("101", "102", "leading zeros"), ("00101.0", "00102.0", "a decimal .0"),
        ("SKU-00101", "SKU-00102", "a prefix"),
        ("00-101", "00-102", "marks between"),
    ],
)  # fmt: skip
def test_ids_that_do_not_meet_are_told_with_the_likely_cause(clean, tmp_path, first, second, cause):
    catalogue_of(clean, tmp_path, f"item_id,title\n{first},Jug\n{second},Tin\n")
    (told,) = [each for each in clean.said if "products of the lines are in the catalogue" in each]
    assert isinstance(told, Caution)
    assert told.startswith("0 of 2 products")
    assert cause in told


def test_the_variants_of_a_shop_share_what_the_first_says(clean, tmp_path):
    result = catalogue_of(
        clean, tmp_path,
        "Handle,Title,Vendor,Variant SKU,Variant Price\n"
        "hat,Wool hat,Nord,00101,24\nhat,,,00102,25\nhat,,,,\n",
        preset="shopify", orders="Name,Lineitem sku\n#1,00101\n#1,00102\n",
    )  # fmt: skip
    assert result.products.select("product_id", "title", "brand", "price").rows() == [
        ("00101", "Wool hat", "Nord", 24), ("00102", "Wool hat", "Nord", 25),
    ]  # fmt: skip


def test_a_catalogue_without_ids_lists_all_its_columns(clean, tmp_path):
    header = ",".join(f"column{at}" for at in range(12))
    with pytest.raises(BadData, match="column11"):
        catalogue_of(clean, tmp_path, f"{header}\n" + ",".join("x" * 12) + "\n")
