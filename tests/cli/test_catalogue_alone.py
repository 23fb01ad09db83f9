"""A catalogue without order lines."""

from __future__ import annotations

import pytest

from prodassoc_cli import api
from prodassoc_cli.errors import UsageProblem
from tests.cli.test_guidance import next_command

CATALOGUE = (
    "sku,name,description,price,stock\n1,Mug,<p>Holds <b>tea</b></p>,7.25 EUR,4\n2,Tin,,soon,\n2,Tin,,3,\n"
)
ALONE = ("--products", "catalog.csv", "--products-output", "p.parquet")


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_text(CATALOGUE)
    return path


def test_it_is_cleaned_and_the_hint_goes_on(prodassoc, catalogue):
    words = ("clean", "--products", "catalog.csv", "--products-output", "products.parquet")
    done = prodassoc(*words, "--rejects-output", "rejects.csv", "--summary", "summary.json")
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (0, b"")
    assert "kept as they are: stock" in said
    assert "3 rows read, 2 kept; 1 duplicate" in said
    assert "1 price could not be read, such as 'soon'" in said
    assert next_command(said) == ["embed", "products.parquet", "-o", "embeddings.parquet"]
    assert prodassoc(*next_command(said)).returncode == 0
    assert "duplicate_product" in (prodassoc.folder / "rejects.csv").read_text()
    assert "is up to date" in prodassoc(*words).stderr.decode()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no order lines"),
        ((*ALONE, "-o", "i.parquet"), "-o needs order lines"),
        (
            (*ALONE, "--holdout", "last-order", "--holdout-output", "h.parquet"),
            "--holdout needs order lines",
        ),
    ],
)  # fmt: skip
def test_what_needs_order_lines_is_refused(prodassoc, catalogue, words, message):
    done = prodassoc("clean", *words)
    assert done.returncode == 2
    assert message in done.stderr.decode()


def test_a_raw_catalogue_for_another_command_is_told_how(prodassoc, catalogue):
    for words in (("embed", "catalog.csv", "-o", "e.parquet"), ("clean", "catalog.csv", "-o", "i.parquet")):
        done = prodassoc(*words)
        assert done.returncode == 65
        assert "prodassoc clean --products" in done.stderr.decode()


def test_in_a_notebook(catalogue):
    shop = api.clean(products=catalogue)
    assert shop.products["description"].to_list() == ["Holds tea", None]
    assert shop.interactions.is_empty()
    with pytest.raises(UsageProblem, match="no order lines"):
        api.clean()
