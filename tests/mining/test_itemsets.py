from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.artifacts.schemas import ITEMSETS
from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.kernels import eclat as eclat_kernels
from prodassoc_cli.mining.kernels import search as kernels
from prodassoc_cli.mining.kernels.bitsets import COUNT, PARENT
from prodassoc_cli.mining.support import nothing_found
from prodassoc_cli.terminal.output import to_frame

from .conftest import FOUR, as_dict, brute_force, load, make_baskets

ALGORITHMS = ("eclat", "fp-growth", "apriori")
TARGETS = ("frequent", "closed", "maximal")

rows_of = st.lists(
    st.sets(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), min_size=1), min_size=1, max_size=25
)


def mine(rows, **options):
    return as_dict(mine_itemsets(make_baskets(rows), **options).frame())


@contextmanager
def starting_with(density: float) -> Iterator[None]:
    """Let Eclat begin with bitsets of all baskets (infinity) or with projections (0), whatever the data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eclat_kernels, "_DENSITY", density)
        yield


def test_four_baskets():
    frame = mine_itemsets(make_baskets(FOUR), min_count=2).frame()
    support = dict(zip(map(tuple, frame["items"].to_list()), frame["support"], strict=True))
    assert support[("1",)] == support[("4",)] == 3 / 4
    assert support[("1", "4")] == support[("2", "4")] == 1 / 2
    assert frame.columns == [column.name for column in ITEMSETS.columns]
    assert frame["items"].to_list() == [["1"], ["4"], ["2"], ["3"], ["1", "4"], ["2", "4"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=80)
@given(rows=rows_of, min_count=st.integers(1, 6), max_size=st.none() | st.integers(1, 5))
def test_against_brute_force(algorithm, target, rows, min_count, max_size):
    expected = brute_force(rows, min_count, target, max_size)
    for density in (0.0, inf) if algorithm == "eclat" else (1.0,):
        with starting_with(density):
            found = mine(rows, min_count=min_count, target=target, algorithm=algorithm, max_size=max_size)
        assert found == expected


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), min_count=st.integers(1, 40), full=st.booleans())
def test_algorithms_agree_on_wider_data(target, seed, min_count, full):
    """More baskets and items than brute force can try, some of them in nearly every basket."""
    random = np.random.default_rng(seed)
    likely = random.beta(0.3, 1.0, 14)
    likely[0] = 1.0 if full else 0.9
    table = random.random((int(random.integers(1, 300)), 14)) < likely
    rows = [{f"i{item}" for item in np.flatnonzero(row)} | {"x"} for row in table]
    baskets = make_baskets(rows)
    fp, apriori = (
        mine_itemsets(baskets, min_count=min_count, target=target, algorithm=each).frame()
        for each in ALGORITHMS[1:]
    )
    assert fp.equals(apriori)
    for density in (0.0, inf):
        with starting_with(density):
            assert mine_itemsets(baskets, min_count=min_count, target=target).frame().equals(fp)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), max_size=st.none() | st.integers(2, 6))
def test_levels_of_many_rows_drop_the_bits_of_other_baskets(target, seed, max_size):
    random = np.random.default_rng(seed)
    table = random.random((int(random.integers(200, 420)), 20)) < random.beta(6, 4, 20)
    baskets = make_baskets([{f"i{item}" for item in np.flatnonzero(row)} | {"x"} for row in table])
    options = {"min_count": len(table) // 8, "target": target, "max_size": max_size}
    fp = mine_itemsets(baskets, algorithm="fp-growth", **options).frame()
    for density in (0.0, inf):
        with starting_with(density):
            assert mine_itemsets(baskets, threads=2, **options).frame().equals(fp)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_sparse_levels_agree(target, seed):
    """Long tails of rare items, so that projections nest before bitsets take over."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 401) ** 0.6
    rows = [
        {str(item) for item in random.choice(400, int(random.integers(1, 25)), p=weights / weights.sum())}
        for _ in range(1500)
    ]
    baskets = make_baskets(rows)
    eclat = mine_itemsets(baskets, min_count=6, target=target).frame()
    fp = mine_itemsets(baskets, min_count=6, target=target, algorithm="fp-growth").frame()
    assert eclat.equals(fp)


@pytest.mark.parametrize("target", TARGETS)
def test_threads_do_not_change_the_tree(target):
    random = np.random.default_rng(7)
    rows = [{str(item) for item in random.zipf(1.3, 12) % 300} for _ in range(8_000)]
    baskets = make_baskets(rows)
    trees = [mine_itemsets(baskets, min_count=8, target=target, threads=n).tree for n in (1, 2, 3)]
    assert trees[0].shape[1] > 1_000
    assert trees[0].tobytes() == trees[1].tobytes() == trees[2].tobytes()


@settings(max_examples=30)
@given(rows=rows_of, seed=st.integers(0, 100))
def test_order_of_rows_does_not_matter(rows, seed):
    shuffled = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
    first, second = (mine_itemsets(make_baskets(each), min_count=1).frame() for each in (rows, shuffled))
    assert first.equals(second)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("rows", "min_count"),
    [
        ([{"a"}], 1),
        ([{"a", "b", "c"}], 1),
        ([{"a"}] * 5, 3),
        ([{"a", "b", "c", "d"}] * 70, 70),
        ([{"a", "b"}, {"c", "d"}], 1),
        ([{"a", "b"}, {"c"}], 3),
    ],
)
def test_degenerate(algorithm, target, rows, min_count):
    assert mine(rows, min_count=min_count, target=target, algorithm=algorithm) == brute_force(
        rows, min_count, target
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_baskets(algorithm):
    baskets = make_baskets([])
    itemsets = mine_itemsets(baskets, min_count=1, algorithm=algorithm)
    assert len(itemsets) == 0
    assert itemsets.frame().is_empty()
    assert itemsets.frame().columns == [column.name for column in ITEMSETS.columns]
    assert "no baskets" in nothing_found(baskets, 1)


@pytest.mark.parametrize("rows_a_frame", [1, 7, 50])
def test_tables_join_to_the_frame(rows_a_frame):
    random = np.random.default_rng(3)
    rows = [{str(item) for item in random.integers(0, 12, 6)} for _ in range(200)]
    itemsets = mine_itemsets(make_baskets(rows), min_count=2)
    parts = [to_frame(table) for table in itemsets.tables(rows=rows_a_frame)]
    assert len(parts) > 3
    assert max(map(len, parts)) <= rows_a_frame
    whole = itemsets.frame()
    assert sum(map(len, parts)) == len(whole) == len(itemsets)
    offset = 0
    for part in parts:
        assert part.equals(whole[offset : offset + len(part)])
        offset += len(part)
    keys = [
        (-count, size, items) for items, size, count in whole.select("items", "size", "count").iter_rows()
    ]
    assert keys == sorted(keys)


def test_parents_come_first():
    tree = mine_itemsets(make_baskets(FOUR), min_count=1).tree
    assert (tree[PARENT] < np.arange(tree.shape[1])).all()
    assert (tree[COUNT] > 0).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_memory_limit_stops(algorithm):
    baskets = make_baskets([{f"{item}" for item in range(12)} - {str(out)} for out in range(12)])
    with pytest.raises(BadData) as stopped:
        mine_itemsets(baskets, min_count=1, algorithm=algorithm, memory_limit=437_100)
    assert "1,000 itemsets" in stopped.value.message
    assert "`min_count=2`" in stopped.value.hint
    assert len(mine_itemsets(baskets, min_count=1, algorithm=algorithm)) == 2**12 - 2


def test_depth_is_not_bounded_by_levels():
    """A set of 17 items below `max_size`, without perfect extensions: every level is a real one."""
    rows = [{f"{item:02}" for item in range(17)}] * 2
    assert len(mine(rows, min_count=2, max_size=17)) == 2**17 - 1


def test_sparse_recursion_only(monkeypatch):
    """The search has a largest number of levels before bitsets take over; there must always be room."""
    assert kernels._MAX_LEVELS >= 2


@pytest.mark.parametrize(
    ("name", "min_count", "target", "expected"),
    [
        ("retail", 88, "frequent", 7_712),
        ("retail", 9, "frequent", 240_852),
        ("retail", 9, "closed", 189_077),
        ("retail", 44, "maximal", 8_365),
        ("T10I4D100K", 100, "frequent", 27_532),
        ("T10I4D100K", 100, "closed", 26_806),
        ("T10I4D100K", 100, "maximal", 4_054),
        ("T10I4D100K", 10, "frequent", 411_365),
        ("mushroom", 813, "frequent", 574_431),
        ("mushroom", 813, "closed", 4_885),
        ("mushroom", 813, "maximal", 547),
        ("mushroom", 407, "frequent", 3_755_511),
        ("mushroom", 407, "closed", 12_843),
        ("mushroom", 407, "maximal", 1_442),
        ("mushroom", 82, "closed", 51_640),
        ("mushroom", 82, "maximal", 6_768),
    ],
)
def test_known_counts(name, min_count, target, expected):
    assert len(mine_itemsets(load(name), min_count=min_count, target=target, threads=2)) == expected
