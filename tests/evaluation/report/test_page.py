"""The report's structure, read by an HTML parser; and what hostile texts can do in it: nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import polars as pl
import pytest

from prodassoc_cli.evaluation.compare import compare_all, tabulate
from prodassoc_cli.evaluation.judged_lists import judge_lists
from prodassoc_cli.evaluation.report.build import render, render_rules
from prodassoc_cli.evaluation.report.data import Provenance, ReportData
from prodassoc_cli.evaluation.report.markup import cut, cut_middle, safe, width
from prodassoc_cli.evaluation.report.words import Words
from prodassoc_cli.evaluation.rules import judge_rules, rule_metrics
from prodassoc_cli.evaluation.segments import segment_metrics
from tests.evaluation.frames import bought, interactions, lists

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;b&gt; \u202eesrever\u202c \x00\x07 \u2028",
    "</style></title><h1>",
    "特浓牛奶 & 奶酪 ]]> -->",
)
VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """Collects elements; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def named(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.elements if name == tag]


def rules_frame() -> pl.DataFrame:
    rows = [
        (["a"], ["b"], 9, 0.3, 0.9, 3.0), (["b"], ["a"], 9, 0.3, 0.8, 3.0),
        (["a", "c"], ["d"], 4, 0.1, 0.5, 2.0), (["e"], ["f"], 2, 0.05, 0.4, 1.1),
    ]  # fmt: skip
    return pl.DataFrame(
        rows,
        schema={
            "antecedent": pl.List(pl.String), "consequent": pl.List(pl.String), "count": pl.Int64,
            "support": pl.Float64, "confidence": pl.Float64, "lift": pl.Float64,
        },
        orient="row",
    )  # fmt: skip


def report_data(titles=HOSTILE, model='m<1>"') -> ReportData:
    users = [f"u{n}" for n in range(9)] + ["<u&9>"]
    truth = bought(**{user: "a d" if n % 2 else "b" for n, user in enumerate(users)})
    train = bought(**{user: "a b c" if n % 3 else "e f" for n, user in enumerate(users)})
    frames = {
        model: lists(**dict.fromkeys(users, "a b c d")),
        "popularity": lists(**dict.fromkeys(users[:8], "c b e f")),
    }
    frames[model] = frames[model].with_columns(reason=pl.lit("because <i>" + HOSTILE[1]))
    products = pl.DataFrame(
        {
            "product_id": list("abcdef"),
            "title": list(titles),
            "category": ["Food > X", "Food > Y", "<b>Toys", None, "Food > X", "Gifts"],
            "price": [1.0, 2.5, None, 4.0, 3.0, 9.0],
        }
    )
    judged = judge_lists(frames, truth, train, products)
    orders = interactions(
        *[{"order_id": str(n), "product_id": p} for n in range(12) for p in ("ab" if n % 2 else "acd")]
    )
    held = judge_rules(rules_frame(), orders)
    metrics = pl.concat(
        [tabulate(judged, [1, 3]), segment_metrics(judged, [1, 3]), rule_metrics("rules", held, [1, 3])]
    )
    return ReportData(
        ks=[1, 3],
        judged=judged,
        metrics=metrics,
        differences=compare_all(judged, [1, 3]),
        lists=frames,
        truth=truth,
        train=train,
        products=products,
        rules=rules_frame(),
        judged_rules={"rules": held},
        cleaning={"rows_in": 100, "rows_kept": 90, "rejects": {"<script>": 10}, "missing_user": 3},
        provenance=[Provenance("truth", "<x>.parquet", "ab" * 32, {"kind": "interactions", "inputs": []})],
        parameters={"k": "1,3", "where": ["<b>"]},
        notices=["watch <out>"],
    )


def test_every_part_is_there_and_links_lead_to_it():
    page = Page(render(report_data()))
    sections = [each["id"] for each in page.named("section")]
    assert sections == [
        "models",
        "products",
        "curves",
        "segments",
        "tail",
        "rules",
        "held",
        "users",
        "data",
        "origin",
    ]
    assert [each["href"] for each in page.named("a")] == ["#main"] + [f"#{name}" for name in sections]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {each["aria-labelledby"] for each in page.named("section")} <= set(ids)


def test_nothing_is_fetched_and_the_only_script_is_our_own():
    text = render(report_data())
    page = Page(text)
    assert [each.get("type") for each in page.named("script")] == ["application/json", None]
    for tag, attrs in page.elements:
        assert tag not in ("img", "iframe", "object", "base", "form")
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        for name in ("src", "href", "action"):
            assert attrs.get(name, "#").startswith(("#", "data:,")), (tag, attrs)
    assert not re.search(r"https?://|@import|url\(", text)
    policy = next(each["content"] for each in page.named("meta") if "http-equiv" in each)
    assert "default-src 'none'" in policy


def test_hostile_titles_stay_texts():
    text = render(report_data())
    shown = "".join(Page(text).text)
    for title in (HOSTILE[0], HOSTILE[1], HOSTILE[4], HOSTILE[5]):
        assert title in shown
    assert len(Page(text).named("h1")) == 1
    for char in "\u202e\u202c\x00\x07\u2028":
        assert char not in text


@pytest.mark.parametrize("char", ["<", ">", '"', "'", "&"])
def test_every_markup_character_is_escaped(char):
    assert char not in str(safe(char)).replace("&lt;", "").replace("&gt;", "").replace("&#34;", "").replace(
        "&#39;", ""
    ).replace("&amp;", "")


def test_drawings_and_tables_can_be_used_without_eyes_or_mouse():
    page = Page(render(report_data()))
    drawings = page.named("svg")
    assert len(drawings) >= 8
    assert all(each["aria-label"] and each["role"] in ("img", "group") for each in drawings)
    nodes = [each for each in page.named("g") if "data-node" in each]
    assert len(nodes) == 6
    assert all(each["tabindex"] == "0" and each["aria-label"] for each in nodes)
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(each.get("scope") in ("col", "rowgroup") for each in page.named("th"))


def test_nodes_of_a_category_share_a_colour():
    page = Page(render(report_data()))
    nodes = {each["aria-label"]: each["class"] for each in page.named("g") if "data-node" in each}
    food = {colour for title, colour in nodes.items() if "script" in title or "img" in title}
    assert len(food) == 1, "Food > X and Food > Y are both Food"
    assert len(set(nodes.values())) == 4


def test_metrics_go_by_plain_names():
    shown = "".join(Page(render(report_data())).text)
    for words in ("Users with a hit", "Do the lists hit?", "New users"):
        assert words in shown


def test_edges_are_as_wide_as_the_lift_is_high():
    page = Page(render(report_data()))
    widths = {
        (each["data-a"], each["data-b"]): float(each["stroke-width"])
        for each in page.named("line")
        if "data-a" in each
    }
    assert widths["0", "1"] == max(widths.values())
    assert widths["4", "5"] == min(widths.values())


def test_the_words_tell_the_figures():
    shown = " ".join("".join(Page(render(report_data())).text).split())
    assert "For 100 % of 10 users" in shown
    assert "watch <out>" in shown
    assert "90 %" in shown


def test_many_rules_are_drawn_in_part_and_it_says_so():
    many = pl.concat([rules_frame()] * 1000)
    page = Page(render_rules(ReportData(rules=many)))
    assert "1,334 of the 4,000 rules" in "".join(page.text)
    assert sum(each["class"].startswith("fill r") for each in page.named("circle")) == 1334
    assert len(page.named("tr")) == 101


def test_the_same_data_give_the_same_bytes():
    assert render(report_data()) == render(report_data())


def test_rules_alone_and_no_rules_at_all():
    data = report_data()
    alone = ReportData(rules=data.rules, products=data.products)
    page = Page(render_rules(alone))
    assert [each["id"] for each in page.named("section")] == ["products", "rules", "origin"]
    assert render(alone) == render_rules(alone)
    none = Page(render_rules(ReportData(rules=data.rules.head(0))))
    assert "No rule passed" in "".join(none.text)


def test_rules_of_one_confidence_are_judged_without_a_chart():
    data = report_data()
    held = judge_rules(rules_frame().head(1), interactions({"order_id": "1", "product_id": "a"}))
    metrics = rule_metrics("one", held, [3])
    page = Page(
        render_rules(ReportData(ks=[3], rules=data.rules, judged_rules={"one": held}, metrics=metrics))
    )
    assert "one: 0 of 1 rules can be tested" in "".join(page.text)


def test_bare_lists_make_a_report():
    judged = judge_lists({"m": lists(u="a b")}, bought(u="a"))
    data = ReportData(
        ks=[2], judged=judged, metrics=tabulate(judged, [2]), lists={"m": lists(u="a b")}, truth=bought(u="a")
    )
    sections = [each["id"] for each in Page(render(data)).named("section")]
    assert sections == ["models", "products", "curves", "users", "origin"]


def test_numbers_and_widths():
    assert [Words("en").number(each) for each in (None, 0.12345, 12.345, 12345.6, 3.0, 0.0)] == [
        "–", "0.123", "12.3", "12,346", "3", "0.000",
    ]  # fmt: skip
    assert width("牛奶ab") == 6
    assert cut("牛奶奶酪", 5) == "牛奶…"
    assert cut("short", 5) == "short"
    assert cut_middle("Tomato & Basil Pasta Sauce 350 g", 20) == "Tomato & Basil…350 g"
    assert cut_middle("特浓牛奶一升装两盒", 11) == "特浓牛奶…盒"
    assert width(cut_middle("x" * 50, 12)) <= 12
