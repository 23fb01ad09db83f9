"""`prodassoc mine` of text with one basket per line: the sets that `clean` and `mine` find in turn."""

from __future__ import annotations

import gzip

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import prodassoc_cli
from prodassoc_cli.artifacts.store import read_lineage
from prodassoc_cli.errors import BadData
from tests.conftest import CommandLine, examples, real_data

HEAD = "1 2\n" * 501
"""So many rows show the layout; what comes after them may be anything."""

PLAIN = "1 2 3\n2 3\n\n3  2 2\t007\n7 3\r\n2 7 1"
GROCERIES = "bread,milk\nmilk,beer,eggs\nbread,milk,beer\n \nmilk\nbread,beer,NA,milk\n"
WITH_USERS = (
    "user,date,items\nann,2024-01-01,bread;milk\nbob,2024-01-02,milk;beer;eggs\nann,2024-01-03,milk\n"
    "cat,2024-01-04,bread;milk;beer\nbob,2024-01-05,bread;milk\ndan,2024-01-06,beer\n"
)


@pytest.fixture
def run(tmp_path) -> CommandLine:
    return CommandLine(tmp_path)


def both_ways(path, **options: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The itemsets of a file by `mine`, and by `mine` of what `clean` makes of it."""
    options = {"target": "frequent", "min_count": 1, **options}
    cleaned = prodassoc_cli.clean(str(path)).interactions
    return tuple(prodassoc_cli.mine(what, **options).itemsets for what in (str(path), cleaned))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.dat", PLAIN),
        ("odd.dat", HEAD + "1 2 3\n2 x 3\n'3 2 nan\n1,2 3\n4 \v 2\n"),
        ("long.dat", f"1 2 {'9' * 30}\n{'9' * 30} 1\n"),
        ("one-hot.csv", "bread,milk,beer\n1,1,0\n0,1,1\n1,1,1\n0,1,0\n1,0,0\n"),
        ("bom.dat", "\ufeff1 2 3\n1 2\n"),
        ("groceries.csv", GROCERIES),
        ("users.csv", WITH_USERS),
    ],
)
def test_the_sets_are_those_of_what_clean_makes_of_it(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode())
    found, cleaned = both_ways(path)
    assert found.height > 3
    assert_frame_equal(found, cleaned)


CELLS = st.sampled_from(["1", "2", "3", "01", "12", "x", "-", "'5", "", "nan", "3.0", "Ä"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lines")


def test_any_lines_of_numbers_give_the_sets_of_clean(folder):
    @settings(max_examples=examples(30))
    @given(lines=st.lists(st.lists(CELLS, max_size=4).map(" ".join), max_size=6))
    def check(lines):
        path = folder / "any.dat"
        path.write_bytes((HEAD + "\n".join(lines)).encode())
        try:
            found, cleaned = both_ways(path)
        except BadData:
            with pytest.raises(BadData):
                prodassoc_cli.mine(str(path), target="frequent", min_count=1)
        else:
            assert_frame_equal(found, cleaned)

    check()


@pytest.mark.parametrize(
    "options",
    [
        {"max_basket_size": 2}, {"exclude": ["3"]},
        {"target": "rules", "min_lift": 0.0, "min_confidence": 0.0, "itemsets_output": True},
    ],
)  # fmt: skip
def test_options_hold_as_for_interactions(tmp_path, options):
    path = tmp_path / "plain.dat"
    path.write_text(PLAIN)
    assert_frame_equal(*both_ways(path, **options))


def test_several_files_and_packed_ones(tmp_path, run):
    (tmp_path / "a.dat").write_text("1 2\n1 2 3\n")
    (tmp_path / "b.dat.gz").write_bytes(gzip.compress(b"2 1\n3 1\n"))
    done = run("mine", "?.dat*", "--target", "frequent", "--min-count", "3", "-o", "f.parquet")
    assert done.returncode == 0, done.stderr.decode()
    assert pl.read_parquet(tmp_path / "f.parquet").select("items", "count").rows() == [
        (["1"], 4), (["2"], 3), (["1", "2"], 3),
    ]  # fmt: skip
    assert [each.name for each in read_lineage(tmp_path / "f.parquet").inputs] == ["a.dat", "b.dat.gz"]


def test_it_says_what_clean_says(tmp_path, run):
    (tmp_path / "plain.dat").write_text(PLAIN)
    said = [
        run(command, "plain.dat", "-o", f"{command}.parquet").stderr.decode() for command in ("clean", "mine")
    ]
    for line in (
        "plain.dat: layout fimi",
        "15 rows read, 14 kept, 1 left out",
        "left out: missing_product 1",
    ):
        assert all(line in each for each in said), said[0] + said[1]
    assert "next:" not in said[1], "there are no interactions to train on"


def test_standard_input(tmp_path, run):
    done = run(
        "mine", "-", "--target", "maximal", "--min-count", "2", "--format", "csv", stdin=b"1 2\n2 3 1\n"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines()[0] == "items,size,count,support"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.csv", b"order_id,product_id\n1,a\n1,b\n2,a\n", "but lines"),
        ("names.csv", b"town,weather\nRome,fair\nOslo,cold\n", "no column holds products"),
        ("picture.dat", b"\x89PNG\r\n\x1a\n\0\0", "is a PNG image"),
        (
            "ragged.csv",
            b"user,date,items\na,1,b\na,1,b,c,d\nb,2,c,d,e\nc,1,d,e,f,g\n",
            "most rows are broken",
        ),
    ],
)
def test_other_files_are_left_to_clean(tmp_path, run, name, content, words):
    (tmp_path / name).write_bytes(content)
    done = run("mine", name, "-o", "r.parquet")
    said = done.stderr.decode()
    assert done.returncode == 65, said
    assert words in said
    assert "prodassoc clean" in said


def test_a_file_without_rows_is_an_error(tmp_path, run):
    (tmp_path / "empty.dat").write_text("\n\n")
    done = run("mine", "empty.dat", "-o", "r.parquet")
    assert (done.returncode, b"empty.dat is empty" in done.stderr) == (65, True), done.stderr.decode()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"sequence": 30.0}, "no order has both user_id and timestamp"),
        ({"min_users": 2}, "no basket has a user_id"),
    ],
)
def test_what_baskets_do_not_say_is_an_error(tmp_path, option, words):
    path = tmp_path / "plain.dat"
    path.write_text(PLAIN)
    with pytest.raises(BadData, match=words):
        prodassoc_cli.mine(str(path), min_count=2, **option)


def test_a_report_names_the_file(tmp_path, run):
    (tmp_path / "plain.dat").write_text(PLAIN)
    done = run("mine", "plain.dat", "-o", "r.parquet", "--min-count", "2", "--report", "r.html")
    assert done.returncode == 0, done.stderr.decode()
    assert "plain.dat" in (tmp_path / "r.html").read_text()


def test_outliers_are_named_by_the_numbers_of_their_lines(tmp_path, run):
    (tmp_path / "plain.dat").write_text(PLAIN)
    done = run("mine", "plain.dat", "-o", "r.parquet", "--min-count", "2", "--outliers-output", "o.parquet")
    assert done.returncode == 0, done.stderr.decode()
    assert set(pl.read_parquet(tmp_path / "o.parquet")["order_id"]) == {"1", "2", "4", "5", "6"}


def test_users_of_lines_that_name_them_count(tmp_path, run):
    (tmp_path / "users.csv").write_text(WITH_USERS)
    done = run(
        "mine", "users.csv", "-o", "f.parquet", "--min-count", "1", "--min-users", "2", "--target", "frequent"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert pl.read_parquet(tmp_path / "f.parquet")["items"].to_list()[0] == ["milk"]


@pytest.mark.parametrize(
    ("name", "min_count", "target", "sets"),
    [
        ("retail", 88, "frequent", 7_712), ("T10I4D100K", 100, "frequent", 27_532),
        ("T10I4D100K", 100, "closed", 26_806), ("mushroom", 813, "maximal", 547),
    ],
)  # fmt: skip
def test_known_counts_of_public_files(name, min_count, target, sets):
    path = str(real_data(f"baskets/{name}.dat"))
    assert prodassoc_cli.mine(path, target=target, min_count=min_count).itemsets.height == sets
