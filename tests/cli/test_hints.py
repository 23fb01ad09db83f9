"""Every `next:` line can be run: it is taken from what a command says, run as it stands, and ends well."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_small_shop

NEXT = "next: prodassoc "
USERLESS = "order_no,sku,quantity,unit_price,order_date\n" + "".join(
    f"{order},{product},1,2.5,2025-01-{order + 10}\n"
    for order in range(12)
    for product in ("a", "b", f"c{order % 3}")
)
RATINGS = "user_id,item_id,rating,timestamp\n" + "".join(
    f"{user},{item},{1 + user * item % 2},{1_000_000_000 + item}\n"
    for user in range(1, 5)
    for item in range(1, 6)
)
CATEGORIES = "mine interactions.parquet --products products.parquet --level category -o rules.parquet"


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder with raw files, and an artifact of each kind, made of a few rows of the sample shop."""
    folder = tmp_path_factory.mktemp("small")
    write_small_shop(folder, orders=500, catalog=60, feedback=300)
    (folder / "userless.csv").write_text(USERLESS)
    (folder / "ratings.csv").write_text(RATINGS)
    (folder / "baskets.dat").write_text("1 2 3\n1 2\n2 3\n" * 9)
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    for line in (
        "clean orders.csv --products catalog.csv --products-output products.parquet --holdout last-order "
        "--holdout-output holdout.parquet -o interactions.parquet",
        "clean feedback.csv -o feedback.parquet",
        "clean userless.csv -o userless.parquet",
        "embed products.parquet --encoder tfidf -o embeddings.parquet",
        "mine interactions.parquet -o rules.parquet --min-count 2",
        "train interactions.parquet --model popularity -o model.parquet",
        "train userless.parquet --model popularity -o of-nobody.parquet",
        "recommend model.parquet -k 5 --include-seen -o recs.parquet",
    ):
        done = CommandLine(folder)(*line.split(), "-q")
        assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture
def run(shop, tmp_path, request) -> CommandLine:
    """A folder with the files that the test names."""
    for name in request.param.split():
        source, _, target = name.partition("=")
        shutil.copy(shop / source, tmp_path / (target or source).replace("_", " "))
    return CommandLine(tmp_path)


def hints(done) -> list[list[str]]:
    assert done.returncode == 0, done.stderr.decode()
    said = [line.split(NEXT)[1] for line in done.stderr.decode().splitlines() if NEXT in line]
    return [shlex.split(line) for line in said]


def check(run: CommandLine, found: list[list[str]], command: str | None) -> None:
    assert [words[0] for words in found] == ([] if command is None else [command])
    for words in found:
        done = run(*words)
        assert done.returncode == 0, (words, done.stderr.decode())


@pytest.mark.parametrize(
    ("run", "line", "command"),
    [
        ("orders.csv", "clean orders.csv -o i.parquet --format csv", None),
        ("orders.csv", "clean orders.csv -o parts/", "mine"),
        ("orders.csv catalog.csv",
         "clean orders.csv --products catalog.csv --products-output p.csv -o i.parquet", "mine"),
        ("catalog.csv", "clean --products catalog.csv --products-output 'my products.parquet'", "embed"),
        ("catalog.csv", "clean --products catalog.csv --products-output products.csv", None),
        ("feedback.csv", "clean feedback.csv -o f.parquet", "evaluate"),
        ("products.parquet", "embed products.parquet --encoder tfidf -o e.parquet", None),
        ("products.parquet interactions.parquet",
         "embed products.parquet --encoder tfidf -o e.parquet", "mine"),
        ("products.parquet interactions.parquet",
         "embed products.parquet --encoder tfidf -o e.parquet --output-precision int8", None),
        ("interactions.parquet", "mine interactions.parquet -o r.csv", None),
        ("baskets.dat", "mine baskets.dat -o r.parquet", None),
        ("interactions.parquet", "mine interactions.parquet -o r.parquet --sequence 30 --min-count 2", None),
        ("interactions.parquet products.parquet", CATEGORIES, None),
        ("userless.parquet", "train userless.parquet --model popularity -o m.parquet", "recommend"),
        ("model.parquet", "recommend model.parquet -k 3 -o recs.parquet", "inspect"),
        ("model.parquet", "recommend model.parquet -k 3 -o recs.csv", None),
        ("model.parquet holdout.parquet", "recommend model.parquet -k 3 -o recs.csv", "evaluate"),
        ("model.parquet holdout.parquet", "recommend model.parquet -k 3 -o recs.jsonl", "evaluate"),
        ("model.parquet holdout.parquet", "recommend model.parquet -k 3 -o recs/", "evaluate"),
        ("model.parquet holdout.parquet", "recommend model.parquet --for products -o recs.parquet", None),
        ("recs.parquet holdout.parquet",
         "evaluate recs.parquet --truth holdout.parquet -o m.csv", "evaluate"),
        ("recs.parquet=my_lists.parquet holdout.parquet",
         "evaluate 'my lists.parquet' --truth holdout.parquet -k 1,3 --by-segment", "evaluate"),
        ("rules.parquet holdout.parquet", "evaluate rules.parquet --truth holdout.parquet", "evaluate"),
        ("feedback.parquet", "evaluate --feedback feedback.parquet", "evaluate"),
        ("of-nobody.parquet", "inspect of-nobody.parquet", "recommend"),
        ("rules.parquet", "inspect rules.parquet", None),
        ("recs.parquet holdout.parquet", "inspect recs.parquet", "evaluate"),
    ],
    indirect=["run"],
)  # fmt: skip
def test_what_a_command_says_comes_next_can_be_run(run, line, command):
    check(run, hints(run(*shlex.split(line))), command)


@pytest.mark.parametrize(
    ("run", "command"),
    [
        ("", "clean"),
        ("notes.csv", "clean"),
        ("catalog.csv", "clean"),
        ("userless.csv=my_sales.csv", "clean"),
        ("ratings.csv", "clean"),
        ("feedback.csv", "clean"),
        ("feedback.csv feedback.parquet", "evaluate"),
        ("products.parquet", "embed"),
        ("products.parquet embeddings.parquet", "clean"),
        ("interactions.parquet rules.parquet model.parquet recs.parquet", "inspect"),
        ("interactions.parquet rules.parquet of-nobody.parquet", "recommend"),
    ],
    indirect=["run"],
)
def test_what_comes_next_in_a_folder_can_be_run(run, command):
    check(run, hints(run()), command)


@pytest.mark.parametrize("run", ["model.parquet holdout.parquet recs.parquet"], indirect=True)
def test_a_hint_names_no_pipe_and_no_truth_of_others(run):
    lists, truth = ((run.folder / name).read_bytes() for name in ("recs.parquet", "holdout.parquet"))
    assert hints(run("evaluate", "-", "--truth", "holdout.parquet", stdin=lists)) == []
    assert hints(run("evaluate", "recs.parquet", "--truth", "-", stdin=truth)) == []
    of_others = run("recommend", "model.parquet", "--ids", "-", "-o", "of-others.parquet", stdin=b"nobody")
    check(run, hints(of_others), "inspect")


@pytest.mark.parametrize("run", ["of-nobody.parquet rules.parquet=recs.parquet"], indirect=True)
def test_a_hint_overwrites_nothing_of_another_kind(run):
    (words,) = hints(run("inspect", "of-nobody.parquet"))
    assert words == ["recommend", "of-nobody.parquet", "-o", "new-recs.parquet", "--for", "products"]


@pytest.mark.parametrize("run", ["ratings.csv"], indirect=True)
def test_an_evaluation_with_a_page_is_the_same_evaluation(run):
    for line in (
        "clean ratings.csv --holdout last-item --holdout-output h.parquet -o i.parquet",
        "train i.parquet --model popularity -o m.parquet",
    ):
        assert run(*line.split()).returncode == 0
    line = "evaluate m.parquet --truth h.parquet --relevant-from 1 --require ndcg@5>=0"
    found = hints(run(*line.split()))
    assert found[0][1:] == ["m.parquet", "--truth", "h.parquet", "--relevant-from", "1.0",
                            "--require", "ndcg@5>=0", "--report", "report.html"]  # fmt: skip
    check(run, found, "evaluate")
