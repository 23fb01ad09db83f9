"""`prodassoc evaluate` as a user runs it: lists, models, rules, feedback, the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import INTERACTIONS, METRICS
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import SAMPLE, CommandLine

SIDES = ["--truth", "holdout.parquet", "--train", "interactions.parquet", "--products", "products.parquet"]


def ok(run: CommandLine, *words: str):
    done = run(*words)
    assert done.returncode == 0, done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    run = CommandLine(folder)
    ok(
        run, "clean", str(SAMPLE / "orders.csv"), "--products", str(SAMPLE / "catalog.csv"),
        "-o", "interactions.parquet", "--products-output", "products.parquet", "--holdout", "last-order",
        "--holdout-output", "holdout.parquet", "--summary", "clean.json",
    )  # fmt: skip
    ok(run, "clean", str(SAMPLE / "feedback.csv"), "-o", "feedback.parquet")
    ok(run, "mine", "interactions.parquet", "-o", "rules.parquet")
    for model in ("popularity", "item-knn"):
        ok(
            run,
            "train",
            "interactions.parquet",
            "--model",
            model,
            "-o",
            f"{model}.parquet",
            "--products",
            "products.parquet",
        )
    ok(run, "recommend", "popularity.parquet", "-k", "10", "--include-seen", "-o", "popular.parquet")
    return folder


def metrics(path: Path) -> pl.DataFrame:
    return read_artifact([path], METRICS)[0]


def test_a_model_is_judged_as_the_lists_it_would_make(shop):
    run = CommandLine(shop)
    common = ["--truth", "holdout.parquet", "-k", "5,10"]
    ok(run, "evaluate", "popularity.parquet", *common, "--include-seen", "-o", "of-model.parquet")
    ok(run, "evaluate", "popular.parquet", *common, "-o", "of-lists.parquet")
    assert metrics(shop / "of-model.parquet").equals(metrics(shop / "of-lists.parquet"))
    pl.read_parquet(shop / "popular.parquet").write_ndjson(shop / "twin.jsonl")
    done = ok(run, "evaluate", "popular.parquet", "twin.jsonl", *common, "--baseline", "popularity")
    assert "ndcg@10 +0.0000 (the same for every user)" in done.stderr.decode()


def test_models_lists_and_rules_side_by_side(shop):
    run = CommandLine(shop)
    done = ok(
        run, "evaluate", "item-knn.parquet", "popular.parquet", "rules.parquet", *SIDES, "--include-seen",
        "--by-segment", "--baseline", "popularity", "-k", "5,10", "-o", "all.parquet",
    )  # fmt: skip
    found = metrics(shop / "all.parquet")
    assert set(found["model"]) == {"item-knn", "popularity", "rules"}
    of_all = found.filter((pl.col("metric") == "ndcg") & (pl.col("k") == 10) & pl.col("segment").is_null())
    ndcg = dict(of_all.select("model", "value").iter_rows())
    assert ndcg["item-knn"] > ndcg["popularity"]
    assert {"users: new", "products: warm", "category: Food"} <= set(found["segment"].drop_nulls())
    kept = found.filter(pl.col("metric") == "lift_kept").row(0, named=True)
    assert kept["model"] == "rules"
    assert kept["value"] > 0.8
    said = done.stderr.decode()
    assert "item-knn against popularity: ndcg@10 +" in said
    assert "truth pairs of user and product are in training too" in said
    best = next(line for line in said.splitlines() if line.startswith("ndcg ") and " 10 " in line)
    assert " * " in best
    assert max(len(line) for line in said.splitlines() if line.startswith(("ndcg", "precision"))) <= 100


def test_gates_for_cron(shop):
    run = CommandLine(shop)
    words = ["evaluate", "popular.parquet", "--truth", "holdout.parquet", "-k", "10", "-o", "gate.parquet"]
    assert run(*words, "--require", "ndcg@10>=0.01").returncode == 0
    done = run(*words, "--require", "popularity:ndcg@10>=0.9", "--force")
    assert done.returncode == 1
    assert "popularity: ndcg@10 is 0.0" in done.stderr.decode()
    assert "required >= 0.9" in done.stderr.decode()
    assert (shop / "gate.parquet").exists()
    done = run(*words, "--require", "ips_ctr>=0.1", "--force")
    assert done.returncode == 2
    assert "--feedback" in done.stderr.decode()


def test_feedback_keeps_what_the_log_tells_and_is_read(shop):
    run = CommandLine(shop)
    log, _ = read_artifact([shop / "feedback.parquet"], INTERACTIONS)
    assert log["propensity"].null_count() == 0
    assert log["position"].max() == 10
    done = ok(
        run, "evaluate", "item-knn.parquet", "--feedback", "feedback.parquet", "--baseline", "popularity",
        "--include-seen", "-k", "10", "-o", "shown.parquet",
    )  # fmt: skip
    found = metrics(shop / "shown.parquet")
    truth = json.loads((SAMPLE / "truth.json").read_text())["feedback.csv"]["models"]
    for model, low, high in found.filter(metric="clicks_per_list").select("model", "low", "high").iter_rows():
        assert low <= truth[model]["clicks_per_list_expected"] <= high
    assert found.filter(metric="ctr_uplift")["low"].item() > 0
    estimated = found.filter(pl.col("metric").str.ends_with("ips_ctr"))
    assert set(estimated["model"]) == {"item-knn"}
    assert "mean weight, which should be 1 (item-knn 0." in done.stderr.decode()


def test_no_estimate_without_propensities(shop):
    run = CommandLine(shop)
    pl.read_csv(SAMPLE / "feedback.csv", infer_schema=False).drop("propensity").write_csv(shop / "bare.csv")
    ok(run, "clean", "bare.csv", "-o", "bare.parquet")
    done = ok(run, "evaluate", "popular.parquet", "--feedback", "bare.parquet", "-o", "bare-metrics.parquet")
    assert "no off-policy estimate: 5,000 of 5,000 impressions have no propensity (popularity" in (
        done.stderr.decode()
    )
    assert set(metrics(shop / "bare-metrics.parquet")["metric"]) >= {"ctr", "conversion"}


def test_the_report_is_one_file_that_follows_its_inputs(shop):
    run = CommandLine(shop)
    words = [
        "evaluate", "item-knn.parquet", "popular.parquet", *SIDES, "--include-seen", "-k", "5,10",
        "-o", "m.parquet", "--rules", "rules.parquet", "--clean-summary", "clean.json",
        "--report", "report.html",
    ]  # fmt: skip
    ok(run, *words)
    first = (shop / "report.html").read_bytes()
    text = first.decode()
    for part in ("models", "curves", "segments", "tail", "rules", "users", "data", "origin"):
        assert f'<section id="{part}"' in text
    assert str(shop) not in text
    assert "up to date" in ok(run, *words).stderr.decode()
    (shop / "report.html").unlink()
    ok(run, *words)
    assert (shop / "report.html").read_bytes() == first


def test_what_a_report_cannot_show_is_said(shop, tmp_path):
    run = CommandLine(shop)
    words = ["evaluate", "popular.parquet", "--truth", "holdout.parquet", "-o", str(tmp_path / "m.parquet")]
    done = run(*words, "--report", "r.html", "--clean-summary", "holdout.parquet")
    assert done.returncode == 65
    assert "clean --summary" in done.stderr.decode()
    assert not (shop / "r.html").exists()
    done = run(*words, "--report", "nowhere/r.html")
    assert done.returncode == 73
    assert "mkdir -p" in done.stderr.decode()


def test_nothing_to_judge_by_is_a_usage_problem(shop):
    done = CommandLine(shop)("evaluate", "popular.parquet")
    assert done.returncode == 2
    assert "--truth" in done.stderr.decode()
    assert "--feedback" in done.stderr.decode()


def test_a_log_alone_can_be_judged(shop):
    run = CommandLine(shop)
    ok(run, "clean", str(SAMPLE / "feedback.csv"), "-o", "log.parquet")
    done = ok(
        run, "evaluate", "--feedback", "log.parquet", "--baseline", "popularity",
        "-o", "log-metrics.parquet", "--report", "log.html",
    )  # fmt: skip
    found = metrics(shop / "log-metrics.parquet").filter(pl.col("segment").is_null())
    uplift = found.filter(pl.col("metric") == "ctr_uplift").row(0, named=True)
    assert uplift["model"] == "hybrid"
    assert uplift["low"] > 0
    assert "clicks by position" in done.stderr.decode()
    assert "Clicks over the baseline" in (shop / "log.html").read_text()
    nothing = run("evaluate", "--truth", "holdout.parquet")
    assert nothing.returncode == 2
    assert "nothing to evaluate" in nothing.stderr.decode()


def test_two_models_of_one_kind_go_by_their_files(shop):
    run = CommandLine(shop)
    ok(
        run,
        "train",
        "interactions.parquet",
        "--model",
        "item-knn",
        "--param",
        "neighbours=5",
        "-o",
        "few.parquet",
    )
    ok(run, "evaluate", "item-knn.parquet", "few.parquet", "popular.parquet", "--truth", "holdout.parquet",
       "-k", "10", "-o", "named.parquet")  # fmt: skip
    assert set(metrics(shop / "named.parquet")["model"]) == {"item-knn", "few", "popularity"}


def test_mine_writes_a_page_of_rules(shop):
    run = CommandLine(shop)
    words = ["mine", "interactions.parquet", "-o", "again.parquet", "--report", "rules.html"]
    ok(run, *words, "--products", "products.parquet")
    text = (shop / "rules.html").read_text()
    assert re.findall(r'<section id="(\w+)"', text) == ["products", "rules", "origin"]
    titles = pl.read_parquet(shop / "products.parquet")["title"].drop_nulls()
    assert any(title in text for title in titles)
    assert "up to date" in ok(run, *words, "--products", "products.parquet").stderr.decode()
    in_chinese = [*words, "--products", "products.parquet", "--language", "zh"]
    assert "up to date" not in ok(run, *in_chinese).stderr.decode()
    assert '<html lang="zh">' in (shop / "rules.html").read_text()
    assert "up to date" in ok(run, *in_chinese).stderr.decode()
    done = run(*words, "--target", "closed", "--force")
    assert done.returncode == 2
    assert "--report needs --target rules" in done.stderr.decode()


def test_lists_written_as_csv_are_judged_alike_and_their_hint_runs(shop):
    run = CommandLine(shop)
    said = ok(run, "recommend", "item-knn.parquet", "-k", "10", "-o", "knn.csv").stderr.decode()
    (hint,) = re.findall(r"next: prodassoc (evaluate knn\.csv .+)", said)
    ok(run, *hint.split(), "--force")
    ok(run, "recommend", "item-knn.parquet", "-k", "10", "-o", "knn.parquet")
    ok(run, "evaluate", "knn.csv", "--truth", "holdout.parquet", "-o", "of-csv.parquet")
    ok(run, "evaluate", "knn.parquet", "--truth", "holdout.parquet", "-o", "of-parquet.parquet")
    of_csv, of_parquet = metrics(shop / "of-csv.parquet"), metrics(shop / "of-parquet.parquet")
    assert of_csv.drop("model").equals(of_parquet.drop("model"))
    assert "next:" not in ok(run, "mine", "interactions.parquet", "-o", "rules.csv").stderr.decode()


def test_train_says_where_an_input_has_other_ids(shop):
    run = CommandLine(shop)
    products = pl.read_parquet(shop / "products.parquet")
    products.with_columns(product_id="P-" + pl.col("product_id")).write_parquet(shop / "prefixed.parquet")
    words = ["train", "interactions.parquet", "--model", "popularity", "-o", "other.parquet"]
    said = ok(run, *words, "--products", "prefixed.parquet").stderr.decode()
    assert re.search(r"warning: --products: 0 of its \d+ products are among the \d+ of the interactions; "
                     r"they differ in a prefix: \d+ in the one, P-\d+ in the other", said)  # fmt: skip
    assert "warning" not in ok(run, *words, "--products", "products.parquet").stderr.decode()
