"""Texts of the domain name options by keyword; each entrance shows them in its own words."""

import pytest

from prodassoc_cli.settings import CleanConfig
from prodassoc_cli.settings.naming import as_flags, as_keywords, options_given


@pytest.mark.parametrize(
    ("text", "on_the_command_line", "in_a_notebook"),
    [
        ("lower `min_support`", "lower --min-support", "lower min_support="),
        ("`min_count=10` or `max_size`", "--min-count 10 or --max-size", "min_count=10 or max_size="),
        ("add `for_=products`", "add --for products", 'add for_="products"'),
        ("`where=brand=A B`: none", "--where 'brand=A B': none", 'where="brand=A B": none'),
        ("`map=title=Name`", "--map title=Name", 'map="title=Name"'),
        ("`map=products.category=a>b`", "--map 'products.category=a>b'", 'map="products.category=a>b"'),
        ("`dayfirst=True`: day/month", "--dayfirst: day/month", "dayfirst=True: day/month"),
        ("`dayfirst=False`, `header=False`", "--monthfirst, --no-header", "dayfirst=False, header=False"),
        ("`k=5,10` and `output`", "-k 5,10 and -o", 'k="5,10" and output='),
        (
            "`clean ORDERS holdout=last-order`",
            "prodassoc clean ORDERS --holdout last-order",
            'clean(ORDERS, holdout="last-order")',
        ),
        ("`train interactions.parquet`", "prodassoc train interactions.parquet", "train(interactions)"),
        ("`mine --relations-output`", "prodassoc mine --relations-output", "mine(relations_output)"),
        ("`train=` with user ids", "--train with user ids", "train= with user ids"),
        ("`export DIR output=m`", "prodassoc export DIR -o m", "prodassoc export DIR -o m"),
        ("no option, `something else`", "no option, `something else`", "no option, `something else`"),
    ],
)  # fmt: skip
def test_each_entrance_has_its_own_words(text, on_the_command_line, in_a_notebook):
    assert as_flags(text) == on_the_command_line
    assert as_keywords(text) == in_a_notebook


def test_an_option_that_is_off_goes_by_the_flag_that_turns_it_off():
    config = CleanConfig(dayfirst=False, drop_users=True, skip_rows=2)
    assert dict(options_given(config)) == {"--monthfirst": True, "--drop-users": True, "--skip-rows": 2}
