"""The tool tells a newcomer what comes next, and what a mistyped word was meant to be."""

from __future__ import annotations

import gzip
import shlex

import pytest

from prodassoc_cli.commands.next_step import Guide
from tests.conftest import CommandLine, write_small_shop

SAID = "next: prodassoc "
ORDERS = "order_no,customer,sku,order_date\n1,u,a,2025-01-02\n1,u,b,2025-01-02\n"
JUDGE = ("evaluate", "recs.parquet", "--truth", "holdout.parquet")
CLEAN = ("clean", "sample_data/orders.csv")


def next_command(said: str) -> list[str]:
    lines = [line for line in said.splitlines() if SAID in line]
    assert len(lines) == 1, said
    return shlex.split(lines[0].split(SAID)[1])


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> CommandLine:
    """A folder in which every hint was followed, from nothing to metrics."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "sample_data").mkdir()
    write_small_shop(folder / "sample_data", orders=8_000, catalog=400)
    run = CommandLine(folder)
    words = next_command(run().stderr.decode())
    followed = [words[0]]
    while words[0] != "evaluate":
        alone = next_command(run().stderr.decode())
        assert alone == words, "what a command says comes next is what the tool says of the folder"
        done = run(*words)
        assert done.returncode == 0, done.stderr.decode()
        words = next_command(done.stderr.decode())
        followed.append(words[0])
    assert followed == ["clean", "embed", "mine", "train", "recommend", "evaluate"]
    done = run(*words)
    assert done.returncode == 0, done.stderr.decode()
    assert "--report report.html" in done.stderr.decode()
    assert run(*next_command(done.stderr.decode())).returncode == 0
    assert (folder / "report.html").stat().st_size > 10_000
    return run


def test_the_hints_use_all_that_is_there(shop):
    done = shop("mine", "interactions.parquet", "-o", "rules.parquet", "--force")
    assert next_command(done.stderr.decode()) == [
        "train", "interactions.parquet", "--products", "products.parquet", "--embeddings",
        "embeddings.parquet", "--rules", "rules.parquet", "-o", "model.parquet",
    ]  # fmt: skip
    assert next_command(shop().stderr.decode()) == ["inspect", "metrics.parquet"]


def test_inspect_says_who_takes_the_file(shop):
    done = shop("inspect", "model.parquet", "--rows", "0")
    assert next_command(done.stderr.decode())[:2] == ["recommend", "model.parquet"]


def test_quiet_runs_hint_nothing(shop):
    done = shop("mine", "interactions.parquet", "-o", "rules.parquet", "--force", "-q")
    assert done.stderr == b""


def test_a_folder_of_own_orders(tmp_path):
    (tmp_path / "our products.csv").write_text("sku,title\na,Apple\n")
    (tmp_path / "sales_2025.csv.gz").write_bytes(gzip.compress(ORDERS.encode()))
    (tmp_path / "notes.txt").touch()
    words = shlex.split(Guide({}, tmp_path).for_newcomer())
    assert words[:2] == ["clean", str(tmp_path / "sales_2025.csv.gz")]
    assert words[3] == str(tmp_path / "our products.csv")
    (tmp_path / "verkauf").mkdir()
    (tmp_path / "verkauf" / "bons.csv").write_text(ORDERS)  # the only table there is: what else could it be
    assert "bons.csv" in Guide({}, tmp_path / "verkauf").for_newcomer()
    assert shlex.split(Guide({}, tmp_path / "empty").for_newcomer())[1].endswith(".csv")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["mien"], "mine"),
        (["mine", "interactions.parquet", "--min-suport", "0.1"], "--min-support"),
        (["train", "interactions.parquet", "--model", "hybird"], "hybrid"),
        (["recommend", "model.parquet", "--for", "user"], "users"),
        (["recommend", "model.parquet", "--basket", "0289"], "00289"),
        (["recommend", "model.parquet", "--where", "categry=Food"], "category"),
        (["recommend", "model.parquet", "--where", "category=Fod"], "Food"),
        (["mine", "interactions.parquet", "--antecedent", "0289"], "00289"),
        (["mine", "interactions.parquet", "--products", "products.parquet", "--consequent", "category=Fod"],
         "Food"),
        (["mine", "interactions.parquet", "--sort-by", "lifft"], "lift"),
        (["mine", "interactions.parquet", "--measures", "phii"], "phi"),
        (["mine", "interactions.parquet", "--min", "lifft=2"], "lift"),
        (["mine", "interactions.parquet", "--prune", "redundnt"], "redundant"),
        (["mine", "interactions.parquet", "--products", "products.parquet", "--level", "brnad"], "brand"),
        (["train", "interactions.parquet", "--model", "item-knn", "--param", "neighbors=3"], "neighbours"),
        ([*JUDGE, "--require", "ndgc@10>0"], "ndcg"),
        ([*JUDGE, "--require", "hybird:ndcg@10>0"], "hybrid"),
        (["clean", "sample_data/orders.csv", "--map", "order_id=order_num"], "order_no"),
        (["clean", "sample_data/orders.csv", "--map", "ordr_id=order_no"], "order_id"),
        (["clean", "sample_data/orders.csv", "--preset", "uic"], "uci"),
        (["clean", "sample_data/orders.csv", "--encoding", "utf9"], "utf-8"),
        ([*CLEAN, "--holdout", "lastorder", "--holdout-output", "h"], "last-order"),
        (["clean", "sample_data/order.csv"], "orders.csv"),
        (["embed", "products.parquet", "--text", "{titel}"], "title"),
        (["inspect", "modle.parquet"], "model.parquet"),
        (["inspect", "--schema", "intractions"], "interactions"),
        (["inspect", "--parameters", "itemknn"], "item-knn"),
        (["export", "sample_dat", "-o", "x"], "sample_data"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)  # fmt: skip
def test_did_you_mean(shop, words, meant):
    done = shop(*words)
    said = done.stderr.decode()
    assert done.returncode in (2, 65, 66), said
    assert f"did you mean '{meant}'?" in said
    assert len(said.split("error: ")[1].splitlines()) == 2


def test_a_product_unknown_beside_known_ones_is_named_with_its_like(shop):
    done = shop("recommend", "model.parquet", "--basket", "00289,0283")
    assert done.returncode == 0
    assert "such as '0283': did you mean '00283'?" in done.stderr.decode()


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("PRODASSOC_MINE_MIN_SUPPRT", "0.1", "did you mean 'PRODASSOC_MINE_MIN_SUPPORT'?"),
        ("PRODASSOC_MINE_TARGET", "rulez", "did you mean 'rules'?"),
        ("PRODASSOC_MINE_TOP", "many", "set by PRODASSOC_MINE_TOP"),
        ("PRODASSOC_THREADS", "many", "set by PRODASSOC_THREADS"),
    ],
)
def test_wrong_variables_are_named(shop, variable, value, says):
    done = shop("mine", "interactions.parquet", env={variable: value})
    assert done.returncode == 78
    assert says in done.stderr.decode()


def test_a_choice_in_a_config_file(shop, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('[train]\nmodel = "hybird"\n')
    done = shop("train", "interactions.parquet", "--config", str(path))
    assert done.returncode == 78
    assert "did you mean 'hybrid'?" in done.stderr.decode()


@pytest.mark.parametrize("value", ["2", "50%", "-0.1"])
def test_a_support_that_is_no_share_names_the_way_to_count(shop, value):
    done = shop("mine", "interactions.parquet", f"--min-support={value}")
    assert done.returncode == 2
    assert "0.01 is 1 %; a number of baskets is --min-count" in done.stderr.decode()
    done = shop("mine", "interactions.parquet", "--min-confidence", "30")
    assert "0.01 is 1 %" in done.stderr.decode()
    assert "--min-count" not in done.stderr.decode()


def test_an_id_where_a_file_of_ids_is_wanted_is_told_how_to_get_there(shop):
    done = shop("recommend", "model.parquet", "--ids", "10044")
    assert done.returncode == 66
    assert "echo 10044 | prodassoc" in done.stderr.decode()
