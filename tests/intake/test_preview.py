"""What `dry_run` shows of order lines."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from prodassoc_cli.intake.opening import open_inputs
from prodassoc_cli.intake.preview import preview
from prodassoc_cli.settings import CleanConfig
from tests.intake.conftest import sources


@pytest.fixture
def shown(tmp_path):
    def run(content: str, name: str = "orders.csv", **options) -> list[str]:
        path = tmp_path / name
        path.write_text(content)
        config = CleanConfig(**options)
        with ExitStack() as stack:
            return list(preview(open_inputs(sources(path), config, lambda _: None, stack), config))

    return run


def test_columns_conventions_and_baskets_are_shown(shown):
    lines = shown(
        "order_id;customer;sku;name;qty;date;mood\n7;u;J1;Jug;1.000;5.1.2024;ok\n7;u;T1;Tin;2,5;5.1.2024;\n"
        "8;v;T1;Tin;1;17.1.2024;so\n"
    )
    assert "column sku → product_id: J1, T1" in lines
    assert "column mood (not used): ok, so" in lines
    assert any(line.startswith("quantity: decimal comma") for line in lines)
    assert any("day/month" in line for line in lines)
    assert lines[-2:] == ["basket 7: Jug, Tin", "basket 8: Tin"]


def test_users_are_hidden_where_they_are_to_be(shown):
    lines = shown("order_id,customer,item\n1,alice,Jug\n", drop_users=True)
    assert "column customer → user_id: …" in lines
    assert not any("alice" in line for line in lines)


def test_baskets_of_other_layouts_are_shown(shown):
    assert shown("rice,beans\nrice\nsalt,rice,jam\n")[-1] == "basket 3: salt, rice, jam"
    assert "basket 1: rice, beans" in shown('order_id,items\n1,"rice,beans"\n2,rice\n')
    assert "basket u 2024-01-05 00:00:00: rice, jam" in shown(
        "customer,item,date\nu,rice,2024-01-05\nu,jam,2024-01-05\n"
    )


def test_values_that_cannot_be_read_are_shown(shown):
    lines = shown("order_id,item,price\n1,rice,2.50\n1,jam,ask\n")
    assert "price: 1 of the first rows have no price, such as 'ask'" in lines
