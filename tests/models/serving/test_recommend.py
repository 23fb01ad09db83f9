"""Lists: filters, baskets, errors; and reasons that must be true."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.serving.filters import allowed_items
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from tests.models.shops import catalogue, lines, random_shop, vectors


@pytest.fixture(scope="module")
def purchases() -> pl.DataFrame:
    return random_shop(8, users=80)


@pytest.fixture(scope="module")
def data(purchases: pl.DataFrame) -> TrainingData:
    return TrainingData.from_frames(purchases, catalogue(), vectors())


@pytest.fixture(scope="module")
def item_knn(data: TrainingData) -> TrainedModel:
    return train("item-knn", data)


def passing(data: TrainingData, *where: str, **more: list[str]) -> list[str]:
    mask, _ = allowed_items(data.items, where, **more)
    return data.items.ids.filter(pl.Series(mask)).to_list()


def test_a_category_holds_for_any_run_of_its_path(data):
    odd = [f"i{n:02}" for n in range(1, 20, 2)]
    for value in ("Odd", "goods > odd", "Deep", "Odd>Deep", "Goods > Odd > Deep"):
        assert passing(data, f"category={value}") == odd
    with pytest.raises(BadData) as problem:
        passing(data, "category=Od")
    assert problem.value.hint == "did you mean 'Odd'?"


def test_conditions_on_one_column_are_alternatives_and_columns_must_all_hold(data):
    assert passing(data, "colour=red") == ["i00", "i01", "i02", "i03"]
    assert passing(data, "colour=RED", "colour=blue", "brand=odd ltd") == passing(data, "category=Odd")
    assert passing(data, "price=3") == ["i03"]
    assert passing(data, "colour=red", deny=["i00", "i02"]) == ["i01", "i03"]
    assert passing(data, "colour=red", allow=["i00", "i09"]) == ["i00"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"where": ["color=red"]}, UsageProblem, "did you mean 'colour'?"),
        ({"where": ["colour"]}, UsageProblem, "`where=column=value`"),
        ({"where": ["colour=rad"]}, BadData, "did you mean 'red'?"),
        ({"where": ["price=cheap"]}, UsageProblem, "write a number"),
        ({"allow": ["zzz"]}, BadData, "knows none of its 1 products"),
        ({"allow": []}, BadData, "knows none"),
        ({"where": ["colour=red"], "allow": ["i09"]}, BadData, "loosen"),
        ({"audience": "baskets", "baskets": [["i001"]]}, BadData, "did you mean"),
        ({"audience": "baskets"}, UsageProblem, "`basket=A,B`"),
        ({"audience": "products", "ids": ["I05x"]}, BadData, "did you mean 'i05'?"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(options, error, says, item_knn):
    with pytest.raises(error) as problem:
        recommend(item_knn, **options)
    assert says in f"{problem.value.message} {problem.value.hint}"


def test_filters_come_before_the_cut(item_knn, data):
    frame = recommend(item_knn, k=3, where=["colour=red"], include_seen=True, deny=["i00", "zzz"]).frame
    assert (
        frame.group_by("user_id").agg(pl.col("product_id").sort())["product_id"].to_list()
        == [["i01", "i02", "i03"]] * data.n_users
    )


def test_hybrid_candidates_obey_the_filters_too(data):
    model = train("hybrid", data, parameters=["candidates=10"])
    frame = recommend(model, k=4, where=["colour=red"], include_seen=True).frame
    assert frame["product_id"].is_in(["i00", "i01", "i02", "i03"]).all()
    assert frame.height == 4 * data.n_users


def test_unknown_products_of_a_basket_are_noticed(item_knn):
    served = recommend(item_knn, audience="baskets", baskets=[["i01", "nothing"], [" i02", "i02"]], k=2)
    assert served.frame["basket_id"].to_list() == ["1", "1", "2", "2"]
    assert served.notices == ["basket 1: products not known to the model, ignored: 1, such as 'nothing'"]
    assert not served.frame["product_id"].is_in(["i01"]).head(2).any()


def test_a_known_basket_is_scored_like_the_same_history(item_knn, data):
    """Fold-in: for a linear model a basket and a user with the same products get the same list."""
    history = data.items.ids.gather(pl.Series(data.weights.indices[: data.weights.indptr[1]])).to_list()
    user = recommend(item_knn, ids=[data.users[0]]).frame
    basket = recommend(item_knn, audience="baskets", baskets=[history]).frame
    assert user["product_id"].to_list() == basket["product_id"].to_list()
    assert user["score"].to_list() == basket["score"].to_list()


def test_progress_counts_the_rows(item_knn, data):
    calls = []
    assert recommend(item_knn, progress=lambda done, total: calls.append((done, total))).frame.height
    assert calls[-1] == (data.n_users, data.n_users)


@pytest.mark.parametrize(
    ("name", "parameters"), [("item-knn", []), ("rules", []), ("hybrid", ["parts=item-knn,rules"])]
)
def test_counts_and_lifts_in_reasons_are_those_of_the_shop(name, parameters, data, purchases):
    frame = recommend(train(name, data, parameters=parameters), k=6, include_seen=True).frame
    baskets = _sets(purchases.with_columns(key=pl.coalesce("order_id", "user_id")), "key")
    buyers = _sets(purchases.filter(pl.col("user_id").is_not_null()), "user_id")
    checked = 0
    title = {row["product_id"]: row["title"] for row in catalogue().to_dicts()}
    named = {title.get(each, each): each for each in data.items.ids}
    for product, reason in zip(frame["product_id"], frame["reason"], strict=True):
        together = re.fullmatch(
            r"bought with (.+) in (\d+) baskets?(?:, ([\d.]+) times more often .+)?", reason
        )
        who = re.fullmatch(
            r"(\d+) customers? who bought (.+) bought this too(?:, ([\d.]+) times .+)?", reason
        )
        if together or who:
            other, count, lift = (
                (together[1], together[2], together[3]) if together else (who[2], who[1], who[3])
            )
            sets = baskets if together else buyers
            a, b = (sum(each in items for items in sets) for each in (product, named[other]))
            both = sum({product, named[other]} <= items for items in sets)
            assert both == int(count)
            true_lift = both * len(sets) / (a * b)
            assert (lift is None) == (true_lift <= 1.05)
            assert lift is None or float(lift) == pytest.approx(true_lift, abs=0.051)
            checked += 1
    assert checked > 20


def _sets(frame: pl.DataFrame, key: str) -> list[set[str]]:
    return [set(items) for items in frame.group_by(key).agg("product_id")["product_id"].to_list()]


def test_the_named_product_gave_most_of_the_score(item_knn, data, purchases):
    title = {row["product_id"]: row["title"] for row in catalogue().to_dicts()}
    named = {title.get(each, each): each for each in data.items.ids}
    basket = ["i01", "i05", "i09", "i12"]
    rows = recommend(item_knn, audience="baskets", baskets=[basket], k=5).frame.rows(named=True)
    for row in rows:
        other = re.search(r"(?:bought with|who bought) (.+?) (?:in \d+|bought)", row["reason"])
        assert other, row["reason"]
        drops = {}
        for left_out in basket:
            rest = [each for each in basket if each != left_out]
            frame = recommend(
                item_knn, audience="baskets", baskets=[rest], allow=[row["product_id"]], k=1
            ).frame
            drops[left_out] = row["score"] - frame["score"][0]
        assert drops[named[other[1]]] == pytest.approx(max(drops.values()), rel=1e-4)


def test_repeat_reasons_count_the_orders():
    purchases = random_shop(9, users=200, loyalty=0.8)
    data = TrainingData.from_frames(purchases, catalogue())
    frame = recommend(train("hybrid", data, parameters=["parts=popularity"]), include_seen=True).frame
    again = frame.filter(pl.col("reason").str.starts_with("you bought it"))
    assert again.height > 10
    truth = (
        purchases.filter(pl.col("user_id").is_not_null())
        .group_by("user_id", "product_id")
        .agg(n=pl.col("order_id").n_unique(), last=pl.col("timestamp").max().dt.strftime("%Y-%m-%d"))
    )
    joined = again.join(truth, on=["user_id", "product_id"], how="left")
    times = pl.when(pl.col("n") == 1).then(pl.lit("once,")).otherwise(pl.format("{} times, last", "n"))
    expected = joined.select(pl.format("you bought it {} on {}", times, "last"))
    assert joined["reason"].to_list() == expected.to_series().to_list()


def test_user_knn_counts_the_neighbours_it_speaks_of(data):
    model = train("user-knn", data, parameters=["neighbours=1000"])
    frame = recommend(model, k=3).frame
    owned = data.weights.toarray() > 0
    title = {row["product_id"]: row["title"] for row in catalogue().to_dicts()}
    column = {title.get(each, each): n for n, each in enumerate(data.items.ids)}
    index = {each: n for n, each in enumerate(data.items.ids)}
    for user, product, reason in frame.select("user_id", "product_id", "reason").iter_rows():
        said = re.fullmatch(r"(\d+) of the customers most like you bought this and (.+)", reason)
        if said:
            # All are neighbours here, so the count is that of all who bought both.
            both = owned[:, index[product]] & owned[:, column[said[2]]]
            assert int(said[1]) == both.sum()
            assert owned[data.users.to_list().index(user), column[said[2]]]


def test_a_damaged_model_is_bad_data(item_knn):
    table, header = to_arrow(item_knn)
    for broken, head in (
        (table.drop_columns(["model/similar.data"]), header),
        (table, {}),
        (table, {**header, "name": "magic"}),
        (table.slice(0, 0), header),
        (table, {**header, "parameters": {"colour": 1}}),
    ):
        with pytest.raises(BadData):
            from_arrow(broken, head)


def test_long_arrays_are_cut_into_rows(item_knn, monkeypatch):
    monkeypatch.setattr("prodassoc_cli.models.storage.array_storage.VALUES_PER_ROW", 7)
    table, header = to_arrow(item_knn)
    assert table.num_rows > 1
    read = from_arrow(table, header)
    assert recommend(read).frame.equals(recommend(item_knn).frame)
    np.testing.assert_array_equal(read.last_seen, item_knn.last_seen)


def test_who_gets_no_list_is_counted_and_named():
    rows = [("ann", "o1", item, None) for item in ("a", "b", "c")] + [("bob", "o2", "a", None)]
    served = recommend(train("item-knn", TrainingData.from_frames(lines(rows))), k=2)
    assert served.frame["user_id"].unique().to_list() == ["bob"]
    assert served.counts["lists"] == served.counts["empty_lists"] == 1
    assert served.notices == ["1 user of 2 got no list: nothing is left that may be listed"]


def test_ids_that_the_model_does_not_know_are_named_with_the_likely_cause():
    rows = [("07", "o1", "a", None), ("08", "o2", "a", None), ("08", "o2", "b", None)]
    model = train("item-knn", TrainingData.from_frames(lines(rows)))
    today = pl.DataFrame({"product_id": ["a", "b", "new"]})
    users, products = recommend(model, k=1, ids=["7", "8"], products=today).notices[::-1]
    assert users.startswith("users not known to the model: 2 of 2; they get popular products; ")
    assert "leading zeros" in users
    assert products.startswith("`products`: 1 of 3 are not known to the model, so in no list, such as 'new'")
