"""Filters by comparison, variety, exploration and relations, against plain and slow arithmetic."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.mining.products.relations import Thresholds, judged_pairs
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.serving.diversity import Variety
from prodassoc_cli.models.serving.exploration import explore
from prodassoc_cli.models.serving.filters import allowed_items
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.serving.related import evidence_of, is_listed, related
from prodassoc_cli.numerics.indexing import aligned_vectors
from prodassoc_cli.settings import RecommendConfig
from prodassoc_cli.settings.check import check_options
from tests.models.shops import catalogue, lines, random_shop, vectors


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return TrainingData.from_frames(random_shop(8, users=80), catalogue(), vectors())


@pytest.fixture(scope="module")
def item_knn(data: TrainingData) -> TrainedModel:
    return train("item-knn", data)


@pytest.fixture(scope="module")
def hybrid(data: TrainingData) -> TrainedModel:
    return train("hybrid", data, parameters=["parts=item-knn,content", "candidates=25"])


def passing(data: TrainingData, *where: str) -> list[str]:
    return data.items.ids.filter(pl.Series(allowed_items(data.items, where)[0])).to_list()


def test_numbers_compare(data):
    # i20 and above are sold but not in the catalogue: they have no price and no colour.
    assert passing(data, "price>=18") == ["i18", "i19"]
    assert passing(data, "price < 2") == ["i00", "i01"]
    assert passing(data, "price>3", "price<=5") == ["i04", "i05"]
    assert passing(data, "colour!=red", "price<6") == ["i04", "i05"]
    assert passing(data, "colour!=red", "colour!=blue") == ["i20", "i21", "i22", "i24"]
    with pytest.raises(UsageProblem, match="is a number"):
        passing(data, "price>cheap")
    with pytest.raises(BadData, match="no product has a number"):
        passing(data, "colour>1")
    with pytest.raises(UsageProblem, match="no value"):
        passing(data, "price")


def test_a_condition_is_parsed_and_never_run(data):
    with pytest.raises(UsageProblem, match="no column"):
        passing(data, "__import__('os').system('true')=0")


def test_todays_catalogue_counts(item_knn):
    today = pl.DataFrame(
        {"product_id": ["i03", "i04", "zzz"], "title": ["Three", None, "New"], "stock": [5, 0, 9]}
    )
    frame = recommend(item_knn, products=today, where=["stock>0"], include_seen=True, k=5).frame
    assert frame["product_id"].unique().to_list() == ["i03"]
    named = item_knn.with_catalogue(today).items.names
    assert named[3] == "Three"
    assert named[4] == "Thing 4"
    with pytest.raises(UsageProblem, match="no column 'stock'"):
        recommend(item_knn, where=["stock>0"])


def slow_choice(items, scores, k, share, vectors, most, category):
    """Choose by maximal marginal relevance, one list, item by item."""
    there = [n for n, item in enumerate(items) if item >= 0]
    low, high = (f(scores[n] for n in there) for f in (min, max)) if there else (0, 0)
    unit = {n: np.float32((scores[n] - low) / (high - low)) if high > low else np.float32(1) for n in there}
    chosen: list[int] = []
    while len(chosen) < k:
        open_ = [
            n
            for n in there
            if n not in chosen
            and (
                most is None
                or category[items[n]] < 0
                or sum(category[items[c]] == category[items[n]] for c in chosen) < most
            )
        ]
        if not open_:
            break
        value = {
            n: (1 - share) * unit[n]
            - share * max((float(vectors[items[n]] @ vectors[items[c]]) for c in chosen), default=0)
            for n in open_
        }
        best = max(value.values())
        chosen.append(min(n for n in open_ if value[n] >= best - 1e-6))
    return chosen


@given(
    st.integers(0, 2**16),
    st.sampled_from([0.0, 0.3, 0.7]),
    st.sampled_from([None, 1, 2]),
    st.integers(1, 9),
)
def test_variety_is_the_greedy_choice(seed, share, most, k):
    rng = np.random.default_rng(seed)
    unit = rng.standard_normal((12, 4)).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    category = rng.integers(-1, 3, 12).astype(np.int32)
    items = np.array([rng.permutation(12)[:8] for _ in range(3)], np.int32)
    items[1, 5:] = -1
    scores = -np.sort(-rng.random((3, 8)).astype(np.float32), axis=1)
    found = Variety(share, unit if share else None, most, category).choose(items, scores, k)
    for row in range(3):
        expected = slow_choice(items[row], scores[row], k, share, unit, most, category)
        assert found[row][found[row] >= 0].tolist() == expected


@pytest.mark.parametrize("most", [1, 3])
def test_category_limits_come_before_the_cut(most, item_knn, hybrid):
    category = dict(zip(catalogue()["product_id"], catalogue()["category"], strict=True))
    whole = recommend(item_knn, k=100).frame
    lists = recommend(item_knn, k=6, max_per_category=most).frame
    for user, shown in lists.group_by("user_id"):
        expected, taken = [], {}
        for product in whole.filter(pl.col("user_id") == user[0])["product_id"]:
            own = category.get(product)
            if own is None or taken.get(own, 0) < most:
                expected.append(product)
                taken[own] = taken.get(own, 0) + 1
        assert shown["product_id"].to_list() == expected[:6]
        assert shown["rank"].to_list() == list(range(1, len(shown) + 1))
    assert recommend(item_knn, k=6, max_per_category=most, threads=3).frame.equals(lists)
    limited = recommend(hybrid, k=4, max_per_category=1).frame.with_columns(
        own=pl.col("product_id").replace_strict(category, default=None)
    )
    assert limited.drop_nulls("own").group_by("user_id", "own").len()["len"].max() == 1


def test_a_pool_of_one_category_is_deepened(item_knn, monkeypatch):
    expected = recommend(item_knn, k=3, max_per_category=1).frame
    monkeypatch.setattr("prodassoc_cli.models.serving.lists._MIN_POOL", 1)
    monkeypatch.setattr("prodassoc_cli.models.serving.lists._POOL", 1)
    shallow = recommend(item_knn, k=3, max_per_category=1).frame
    assert shallow.drop("score", "reason_weight").equals(expected.drop("score", "reason_weight"))


def test_diversity_lists_what_is_unlike(item_knn, hybrid):
    space = np.array(vectors()["embedding"].to_list())
    place = {product: n for n, product in enumerate(vectors()["product_id"])}

    def likeness(frame: pl.DataFrame) -> float:
        return float(
            np.mean(
                [
                    np.mean(space[at] @ space[at].T)
                    for _, each in frame.group_by("user_id", maintain_order=True)
                    if (at := [place[product] for product in each["product_id"] if product in place])
                ]
            )
        )

    for model in (item_knn, hybrid):
        plain, varied = (
            recommend(model, k=5, diversity=share, embeddings=vectors()).frame for share in (0.0, 0.7)
        )
        assert likeness(varied) < likeness(plain) - 0.05
        assert varied.height == plain.height
        first = (each.filter(pl.col("rank") == 1)["product_id"].to_list() for each in (plain, varied))
        assert next(first) == next(first)
    assert recommend(hybrid, diversity=0.5).frame.equals(recommend(hybrid, diversity=0.5, threads=3).frame)
    bare = train("item-knn", TrainingData.from_frames(random_shop(3)))
    for option, says in (
        ({"diversity": 0.5}, "`embeddings=FILE`"),
        ({"max_per_category": 1}, "`products=FILE`"),
    ):
        with pytest.raises(UsageProblem) as problem:
            recommend(bare, **option)
        assert says in problem.value.hint


@given(st.integers(1, 4), st.integers(0, 12), st.sampled_from([0.1, 0.5, 1.0]))
def test_propensities_are_probabilities(k, n_candidates, epsilon):
    places = np.where(np.arange(3 * k) < n_candidates, np.arange(3 * k), -1)[None].astype(np.int32)
    n = np.array([min(n_candidates, 3 * k)])
    runs = [explore(places, n, k, epsilon, seed, ["someone"]) for seed in range(300)]
    length = min(k, n_candidates)
    for place in range(length):
        seen: dict[int, float] = {}
        shows = [(int(shown[0, place]), float(propensity[0, place])) for shown, propensity in runs]
        for item, probability in shows:
            assert seen.setdefault(item, probability) == pytest.approx(probability)
            assert 0 < probability <= 1
        assert sum(seen.values()) <= 1 + 1e-9
        for item, probability in seen.items():
            hits = sum(each == item for each, _ in shows)
            # Six standard deviations, and all of them are drawn with the same seeds on each run.
            assert abs(hits - 300 * probability) <= 6 * np.sqrt(300 * probability * (1 - probability)) + 3
    for shown, propensity in runs:
        listed = shown[0][shown[0] >= 0]
        assert len(listed) == length == len(set(listed.tolist()))
        assert np.isnan(propensity[0, length:]).all()


def test_exploring_lists_log_what_they_did(item_knn):
    greedy = recommend(item_knn, k=4).frame
    assert "propensity" not in greedy.columns
    frame = recommend(item_knn, k=4, epsilon=0.4, seed=7).frame
    assert frame.columns[-1] == "propensity"
    assert frame.height == greedy.height
    assert frame.select("user_id", "product_id").is_duplicated().sum() == 0
    same = (frame["product_id"] == greedy["product_id"]).to_numpy()
    assert 0.5 < same.mean() < 0.7
    np.testing.assert_allclose(frame["propensity"].to_numpy()[same], 0.6)
    np.testing.assert_allclose(frame["propensity"].to_numpy()[~same], 0.4 / 8)
    assert recommend(item_knn, k=4, epsilon=0.4, seed=7, threads=3).frame.equals(frame)
    alone = recommend(item_knn, k=4, epsilon=0.4, seed=7, ids=["u7"]).frame
    assert alone.equals(frame.filter(pl.col("user_id") == "u7"))
    assert not recommend(item_knn, k=4, epsilon=0.4, seed=8).frame.equals(frame)
    with pytest.raises(UsageProblem, match="`explore`"):
        check_options(RecommendConfig(explore=0.1, max_per_category=1))


@pytest.mark.parametrize("relation", ["complement", "substitute"])
def test_lists_are_those_of_the_definition(relation):
    """Every product that is related by definition is listed, best first, and no other."""
    shop, products, texts = torch_shop()
    model = train("item-knn", TrainingData.from_frames(shop, products, texts))
    vectors_of_texts = aligned_vectors(texts, model.items.ids)
    evidence = evidence_of(model, vectors_of_texts)
    n = len(model.items)
    a, b = (each.ravel() for each in np.indices((n, n)))
    judged = judged_pairs(a, b, evidence, Thresholds()).with_columns(
        a=pl.Series(a), b=pl.Series(b), chance=stats.hypergeom.sf(
            evidence.by_basket.count(a, b) - 1, evidence.by_basket.n, evidence.by_basket.sizes[a],
            evidence.by_basket.sizes[b],
        )
    )  # fmt: skip
    np.testing.assert_allclose(judged["p_value"], judged["chance"], rtol=1e-6)
    often = pl.col("count") >= (2 if relation == "complement" else 0)
    wanted = judged.filter((pl.col("a") != pl.col("b")) & often & is_listed(relation, Thresholds()))
    items, _, _ = related(model, np.arange(n, dtype=np.int32), relation, n, 1, vectors=vectors_of_texts)
    found = {(row, item) for row, each in enumerate(items) for item in each if item >= 0}
    assert found == set(zip(wanted["a"], wanted["b"], strict=True))
    assert found


def torch_shop() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Sell torches of three makes, never two at once, with the battery of each; and candles on their own."""
    rng = np.random.default_rng(3)
    when, rows = datetime(2025, 1, 1), []
    for order in range(400):
        make = order % 4
        basket = {f"torch{make}", f"battery{make}"} if make < 3 else {"red candle", "blue candle"}
        basket |= {f"sweet{n}" for n in rng.choice(6, 2, replace=False)}
        rows += [(f"u{order % 90}", f"o{order}", product, when) for product in sorted(basket)]
    directions = {"torch": 0, "battery": 1, "candle": 2, "sweet": 3}
    products = sorted({row[2] for row in rows})
    kind = [next(each for each in directions if each in product) for product in products]
    array = 0.02 * rng.standard_normal((len(products), 8)).astype(np.float32)
    for n, each in enumerate(kind):
        array[n, directions[each]] += 1
        if each == "torch":
            array[n, 4 + int(products[n][-1])] += 0.8
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    embeddings = pl.DataFrame(
        {"product_id": products, "embedding": pl.Series(array, dtype=pl.Array(pl.Float32, 8))}
    )
    about = pl.DataFrame({"product_id": products, "title": products, "category": kind})
    return lines(rows), about, embeddings


def test_complements_and_substitutes_are_different_lists():
    interactions, products, embeddings = torch_shop()
    model = train("item-knn", TrainingData.from_frames(interactions, products, embeddings))

    def lists(relation: str, **more) -> dict[str, list[str]]:
        frame = recommend(
            model, audience="products", relation=relation, embeddings=embeddings, k=3, **more
        ).frame
        if relation == "complement":
            assert frame["reason"].str.starts_with("bought with").all()
        else:
            assert frame["reason"].str.starts_with("similar to").all()
        assert (frame["reason_weight"] == frame["score"]).all()
        groups = frame.group_by("source_product_id", maintain_order=True).agg("product_id")
        return dict(zip(groups["source_product_id"], groups["product_id"].to_list(), strict=True))

    complements, substitutes = lists("complement"), lists("substitute")
    for make in range(3):
        assert complements[f"torch{make}"] == [f"battery{make}"]
        assert set(substitutes[f"torch{make}"]) == {f"torch{n}" for n in range(3)} - {f"torch{make}"}
    # The same candle in another colour is bought with it, so it stands in for nothing and completes nothing.
    assert "red candle" not in complements
    assert "red candle" not in substitutes
    assert all(set(complements[each]).isdisjoint(substitutes.get(each, ())) for each in complements)
    assert lists("substitute", deny=["torch0"])["torch1"] == ["torch2"]
    assert lists("complement", threads=3) == complements
    with pytest.raises(UsageProblem, match="`relation`"):
        check_options(RecommendConfig(relation="complement"))
    with pytest.raises(UsageProblem, match="needs texts"):
        recommend(model, audience="products", relation="substitute")
    assert recommend(model, audience="products", relation="complement", with_reasons=False).frame.height > 3


def alike(products: pl.DataFrame) -> pl.DataFrame:
    """Give every two products that follow each other one title and brand."""
    return products.with_columns(
        pl.format("thing {}", pl.int_range(pl.len()) // 2).alias("title"), pl.lit("A").alias("brand")
    )


@pytest.mark.parametrize("audience", ["users", "products"])
@pytest.mark.parametrize("further", [{}, {"diversity": 0.3}, {"max_per_category": 2}, {"epsilon": 0.5}])
def test_of_products_that_look_alike_a_list_shows_one(audience, further):
    products = alike(catalogue())
    model = train("item-knn", TrainingData.from_frames(random_shop(8, users=80), products))
    made = recommend(model, audience=audience, k=6, with_reasons=False, include_seen=True, **further).frame
    titles = dict(products.select("product_id", "title").rows())
    made = made.with_columns(pl.col("product_id").replace_strict(titles, default=None).alias("title"))
    subject = made.columns[0]
    assert not made.drop_nulls("title").select(pl.struct(subject, "title").is_duplicated().any()).item()
    assert (
        "max_per_category" in further
        or made.group_by(subject).len()["len"].to_list() == [6] * made[subject].n_unique()
    )
    if audience == "products":
        own = pl.col(subject).replace_strict(titles, default=None)
        assert made.filter(own == pl.col("title")).is_empty()


def test_a_list_without_lookalikes_is_the_best_of_each(item_knn):
    """The list is that of all products less those that look like a better one."""
    products = alike(catalogue())
    whole = recommend(item_knn, audience="users", k=25, with_reasons=False, include_seen=True).frame
    one = recommend(
        item_knn, audience="users", k=5, with_reasons=False, include_seen=True, products=products
    ).frame
    title = pl.col("product_id").replace_strict(
        dict(products.select("product_id", "title").rows()), default=None
    )
    kept = whole.with_columns(pl.coalesce(title, "product_id").alias("title"))
    kept = (
        kept.unique(["user_id", "title"], keep="first", maintain_order=True)
        .group_by("user_id", maintain_order=True)
        .head(5)
    )
    assert one["product_id"].to_list() == kept["product_id"].to_list()


@pytest.mark.parametrize("relation", ["complement", "substitute"])
def test_related_products_that_look_alike_are_listed_once(data, relation):
    model = train("item-knn", data)
    groups = np.arange(len(model.items), dtype=np.int32) // 2
    sources = np.arange(len(model.items), dtype=np.int32)
    texts = aligned_vectors(vectors(), model.items.ids)
    items, _, _ = related(model, sources, relation, 5, 1, vectors=texts, groups=groups)
    every, _, _ = related(model, sources, relation, 25, 1, vectors=texts)
    for source, listed, all_listed in zip(sources, items, every, strict=True):
        seen, best = {source // 2}, []
        for item in all_listed[all_listed >= 0]:
            if item // 2 not in seen:
                seen.add(item // 2)
                best.append(item)
        assert listed[listed >= 0].tolist() == best[:5]
