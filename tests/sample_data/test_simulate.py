"""The simulated shop: the same bytes again, the dirt that is told of, the structure that was planted."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
MADE = (
    "orders.csv", "orders_latin1.csv", "catalog.csv", "feedback.csv", "truth.json",
    "movies.csv", "ratings.csv", "catalog_zh.csv", "orders_zh.csv",
)  # fmt: skip


def read(name: str, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lines() -> list[dict[str, str]]:
    return read("orders.csv")


@pytest.fixture(scope="module")
def catalog() -> list[dict[str, str]]:
    return read("catalog.csv")


@pytest.fixture(scope="module")
def clean(lines, truth) -> list[dict[str, str]]:
    """The lines without any planted dirt."""
    dirty = {row for dirt in truth["orders.csv"]["dirt"].values() for row in dirt["rows"]}
    return [line for row, line in enumerate(lines, start=1) if row not in dirty]


@pytest.fixture(scope="module")
def baskets(clean) -> list[set[str]]:
    found: dict[str, set[str]] = {}
    for line in clean:
        found.setdefault(line["order_no"], set()).add(line["sku"])
    return list(found.values())


def lift(baskets: list[set[str]], left: list[str], right: list[str]) -> float:
    """Lift of "something of left" and "something of right" in one basket."""
    has_left = [not basket.isdisjoint(left) for basket in baskets]
    has_right = [not basket.isdisjoint(right) for basket in baskets]
    both = sum(a and b for a, b in zip(has_left, has_right, strict=True))
    return both * len(baskets) / (sum(has_left) * sum(has_right))


# ---- the files --------------------------------------------------------------------------------------------


def simulate(folder: Path, *options: str) -> None:
    subprocess.run(
        [sys.executable, str(SAMPLE / "simulate.py"), "--output", str(folder), *options],
        check=True,
        capture_output=True,
    )


def test_running_it_again_gives_the_committed_bytes(tmp_path):
    simulate(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MADE)
    for name in MADE:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_another_seed_gives_another_shop(tmp_path):
    simulate(tmp_path, "--seed", "7")
    assert (tmp_path / "orders.csv").read_bytes() != (SAMPLE / "orders.csv").read_bytes()


def test_the_folder_stays_small():
    files = [*SAMPLE.glob("*.*"), *(SAMPLE / "simulation").glob("*.*")]
    assert len(files) > 10
    assert sum(path.stat().st_size for path in files if path.is_file()) < 3_000_000


def test_the_readme_gives_the_planted_counts(truth):
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    said = {
        kind: int(count.replace(",", "")) for kind, count in re.findall(r"\| `(\w+)` \| ([\d,]+) \|", readme)
    }
    orders, gaps = truth["orders.csv"], truth["catalog.csv"]["gaps"]
    planted = {kind: dirt["count"] for kind, dirt in orders["dirt"].items()}
    planted |= {kind: gap["count"] for kind, gap in gaps.items()}
    planted["missing_customer"] = orders["missing_customer"]
    assert said == planted
    for name in ("orders.csv", "catalog.csv", "feedback.csv", "orders_latin1.csv"):
        assert f"| `{name}` | {truth[name]['rows']:,} rows |" in readme


# ---- the dirt ---------------------------------------------------------------------------------------------


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_the_dirt_of_the_orders_is_exactly_what_is_told(lines, truth):
    told = truth["orders.csv"]
    codes = set(truth["service_codes"])
    plain_date = re.compile(r"2025-\d\d-\d\d \d\d:\d\d")
    kinds: dict[str, list[int]] = {
        kind: [] for kind in told["dirt"].keys() - {"outlier_price", "untidy_title"}
    }
    seen: set[tuple[str, ...]] = set()
    for row, line in enumerate(lines, start=1):
        quantity, price = number(line["quantity"]), number(line["unit_price"])
        cancelled = line["order_no"].startswith("C")
        found = {
            "cancelled": cancelled,
            "duplicate": tuple(line.values()) in seen,
            "missing_product": line["sku"] == "",
            "negative_quantity": quantity is not None and quantity < 0 and not cancelled,
            "zero_quantity": quantity == 0,
            "zero_price": price == 0,
            "service_code": line["sku"] in codes,
            "unparsable_quantity": quantity is None,
            "unparsable_price": price is None,
            "unparsable_date": not is_date(line["order_date"]),
            "odd_date": is_date(line["order_date"]) and not plain_date.fullmatch(line["order_date"]),
            "outlier_quantity": quantity is not None and quantity >= 100,
            "newline_in_title": "\n" in line["description"],
        }
        for kind, holds in found.items():
            if holds:
                kinds[kind].append(row)
        seen.add(tuple(line.values()))
    for kind, rows in kinds.items():
        assert rows == told["dirt"][kind]["rows"], kind
    assert all(dirt["count"] == len(dirt["rows"]) for dirt in told["dirt"].values())


def test_no_line_carries_two_kinds_of_dirt(lines, truth):
    rows = [row for dirt in truth["orders.csv"]["dirt"].values() for row in dirt["rows"]]
    assert len(rows) == len(set(rows))
    assert len(lines) == truth["orders.csv"]["rows"] == len(rows) + truth["orders.csv"]["without_dirt"]


def test_untidy_titles_and_shifted_prices(lines, clean, truth):
    tidy = {line["sku"]: line["description"] for line in clean}
    dearest = dict.fromkeys(tidy, 0.0)
    for line in clean:
        dearest[line["sku"]] = max(dearest[line["sku"]], float(line["unit_price"]))
    dirt = truth["orders.csv"]["dirt"]
    for row in dirt["untidy_title"]["rows"]:
        line = lines[row - 1]
        assert line["description"] != tidy[line["sku"]]
        assert line["description"].casefold().split() == tidy[line["sku"]].casefold().split()
    for row in dirt["outlier_price"]["rows"]:
        line = lines[row - 1]
        assert float(line["unit_price"]) > 90 * dearest[line["sku"]]


def test_guests_and_services(lines, truth):
    told = truth["orders.csv"]
    assert sum(line["customer"] == "" for line in lines) == told["missing_customer"]
    assert 0.06 < told["missing_customer"] / told["rows"] < 0.10
    assert len({line["customer"] for line in lines} - {""}) == told["customers"] == 1200
    services = Counter(line["sku"] for line in lines if line["sku"] in truth["service_codes"])
    assert services == told["services"]


def test_clean_lines_are_clean(clean):
    for line in clean:
        assert int(line["quantity"]) > 0
        assert float(line["unit_price"]) > 0
        assert datetime.strptime(line["order_date"], "%Y-%m-%d %H:%M").year == 2025
        assert line["sku"]
        assert line["description"]
    assert 7500 < len({line["order_no"] for line in clean}) < 8500


def test_leading_zeros_quotes_and_commas_are_there(lines):
    assert sum(line["sku"].startswith("0") for line in lines) > 5000
    assert any('"' in line["description"] for line in lines)
    assert sum("," in line["description"] for line in lines) > 1000


def test_the_gaps_of_the_catalogue_are_exactly_what_is_told(catalog, lines, truth):
    told = truth["catalog.csv"]
    assert len(catalog) == told["rows"]
    gaps = {kind: gap["skus"] for kind, gap in told["gaps"].items()}
    for column in ("brand", "description", "category", "price"):
        assert sorted(row["sku"] for row in catalog if not row[column]) == gaps[f"missing_{column}"]
    counts = Counter(row["sku"] for row in catalog)
    assert counts.pop("") == told["gaps"]["missing_sku"]["count"] == 1
    assert [sku for sku, count in counts.items() if count > 1] == gaps["duplicate_sku"]
    sold = {line["sku"] for line in lines} - {""} - set(truth["service_codes"])
    assert sorted(sold - counts.keys()) == gaps["unlisted"]


def test_the_branch_extract_needs_its_encoding_and_its_delimiter(truth):
    raw = (SAMPLE / "orders_latin1.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    rows = read("orders_latin1.csv", "iso-8859-1", ";")
    told = truth["orders_latin1.csv"]
    assert 250 < len(rows) == told["rows"] < 500
    assert all(re.fullmatch(r"\d+,\d\d", row["unit_price"]) for row in rows)
    assert max(int(row["order_date"][:2]) for row in rows) > 12
    assert all(datetime.strptime(row["order_date"], "%d.%m.%Y %H:%M") for row in rows)
    assert sum(any(letter in row["description"] for letter in "äöüßéèêîû") for row in rows) > 100
    assert sum(row["order_no"].startswith("C") for row in rows) == told["dirt"]["cancelled"]["count"]
    assert len(rows) - len({tuple(row.values()) for row in rows}) == told["dirt"]["duplicate"]["count"]
    assert sum(row["sku"] == "POSTAGE" for row in rows) == told["services"]["POSTAGE"]
    assert sum(row["customer"] == "" for row in rows) == told["missing_customer"]


# ---- the shop ---------------------------------------------------------------------------------------------


def test_the_catalogue_is_that_of_a_shop(catalog):
    titles = [row["title"] for row in catalog]
    assert 380 <= len(titles) <= 420
    assert len(set(titles)) == len(titles)
    assert 18 <= sum(any("\u4e00" <= letter <= "\u9fff" for letter in title) for title in titles) <= 26
    paths = {row["category"] for row in catalog} - {""}
    assert all(re.fullmatch(r"(Food|Household|Gifts) > [A-Z].+", path) for path in paths)
    assert len(paths) > 20


def test_new_products_have_no_sales(lines, catalog, truth):
    new = set(truth["new_products"])
    assert 5 <= len(new) <= 15
    assert new <= {row["sku"] for row in catalog}
    assert new.isdisjoint(line["sku"] for line in lines)


def test_complements_are_bought_together(baskets, truth):
    for group in truth["complements"]:
        for left, right in combinations(group["parts"], 2):
            assert lift(baskets, left, right) > 3, group["name"]


def test_substitutes_are_bought_by_the_same_customers_but_not_together(baskets, clean, truth):
    customers: dict[str, set[str]] = {}
    for line in clean:
        customers.setdefault(line["customer"], set()).add(line["sku"])
    customers.pop("")

    def together(groups: list[set[str]]) -> float:
        """Pairs of substitutes met in the groups, by those that chance would bring together."""
        met = expected = 0.0
        for substitutes in truth["substitutes"]:
            for left, right in combinations(substitutes["lines"], 2):
                has = [(not g.isdisjoint(left), not g.isdisjoint(right)) for g in groups]
                met += sum(a and b for a, b in has)
                expected += sum(a for a, _ in has) * sum(b for _, b in has) / len(groups)
        return met / expected

    assert together(baskets) < 0.5
    assert together(list(customers.values())) > 1.3


def test_sales_have_a_long_tail_and_a_rhythm(clean, catalog):
    sales = sorted(Counter(line["sku"] for line in clean).values(), reverse=True)
    assert sum(sales[: len(sales) // 5]) > 0.4 * sum(sales)
    gifts = {row["sku"] for row in catalog if row["category"].startswith("Gifts")}
    dates = {line["order_no"]: line["order_date"] for line in clean}.values()
    weekdays = Counter(datetime.fromisoformat(date).weekday() for date in dates)
    assert weekdays[5] > 1.3 * weekdays[1]
    gift_months = Counter(line["order_date"][5:7] for line in clean if line["sku"] in gifts)
    assert gift_months["12"] > 2 * gift_months["06"]


def last_order_split(clean: list[dict[str, str]]) -> tuple[sp.csr_matrix, np.ndarray]:
    """Return customer × product counts before each customer's last order, and what the last one held."""
    orders: dict[str, dict[str, list[str]]] = {}
    for line in clean:
        if line["customer"]:
            orders.setdefault(line["customer"], {}).setdefault(line["order_no"], []).append(line["sku"])
    orders = {customer: held for customer, held in orders.items() if len(held) > 1}
    column = {sku: i for i, sku in enumerate(sorted({line["sku"] for line in clean}))}
    before = np.zeros((len(orders), len(column)))
    last = np.zeros((len(orders), len(column)), dtype=bool)
    for row, held in enumerate(orders.values()):
        *earlier, final = held.values()
        for sku in (sku for order in earlier for sku in order):
            before[row, column[sku]] += 1
        last[row, [column[sku] for sku in final]] = True
    return sp.csr_matrix(before), last


def recall_at_10(scores: np.ndarray, relevant: np.ndarray) -> float:
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(relevant, top, axis=1).sum(axis=1)
    has = relevant.any(axis=1)
    return float(np.mean(hits[has] / relevant.sum(axis=1)[has]))


def test_personal_recommendations_beat_popularity(clean):
    before, last = last_order_split(clean)
    counts = before.toarray()
    seen = counts > 0
    popularity = np.broadcast_to(counts.sum(axis=0), counts.shape)

    bought = before.sign()
    users, items = np.asarray(bought.sum(axis=1)).ravel(), np.asarray(bought.sum(axis=0)).ravel()
    scaled = sp.diags_array(users**-0.25) @ bought @ sp.diags_array(np.maximum(items, 1) ** -0.5)
    similarity = (scaled.T @ scaled).toarray()
    np.fill_diagonal(similarity, 0.0)
    neighbours = np.log1p(counts) @ similarity

    with_known = neighbours / neighbours.max(axis=1, keepdims=True) + counts
    all_knn, all_popular = recall_at_10(with_known, last), recall_at_10(popularity, last)
    assert all_knn > 2 * all_popular
    assert all_knn < 0.7

    new = last & ~seen
    new_knn = recall_at_10(np.where(seen, -1.0, neighbours), new)
    new_popular = recall_at_10(np.where(seen, -1.0, popularity), new)
    print(f"recall@10, all: {all_knn:.3f} vs {all_popular:.3f}; new: {new_knn:.3f} vs {new_popular:.3f}")
    assert new_knn > 1.3 * new_popular
    assert new_knn < 0.5


# ---- the feedback -----------------------------------------------------------------------------------------


def test_feedback_is_a_log_of_lists(catalog, truth):
    rows = read("feedback.csv")
    assert len(rows) == truth["feedback.csv"]["rows"]
    lists: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        lists.setdefault(row["list_id"], []).append(row)
    for shown in lists.values():
        assert [int(row["position"]) for row in shown] == list(range(1, 11))
        assert len({row["product_id"] for row in shown}) == 10
        assert len({(row["user_id"], row["model"], row["time"]) for row in shown}) == 1
    assert all(0 < float(row["propensity"]) <= 1 for row in rows)
    assert all(row["click"] == "1" for row in rows if row["purchase"] == "1")
    assert all((float(row["revenue"]) > 0) == (row["purchase"] == "1") for row in rows)
    assert {row["product_id"] for row in rows}.isdisjoint(truth["new_products"])


def test_feedback_has_a_position_bias_and_the_hybrid_ahead(truth):
    rows = read("feedback.csv")
    clicks, lists = Counter(), Counter()
    for row in rows:
        clicks[row["model"]] += int(row["click"])
        clicks[int(row["position"])] += int(row["click"])
        lists[row["model"]] += 1
    assert sum(clicks[position] for position in (1, 2, 3)) > 1.5 * sum(clicks[p] for p in (8, 9, 10))
    models = truth["feedback.csv"]["models"]
    for model, told in models.items():
        per_list = clicks[model] / told["lists"]
        assert lists[model] == 10 * told["lists"]
        assert per_list == pytest.approx(told["clicks_per_list_expected"], rel=0.25)
    assert clicks["hybrid"] / lists["hybrid"] > 1.5 * clicks["popularity"] / lists["popularity"]
