"""The report in a real browser: no error, tables sort and filter, search and graph answer the keyboard."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from prodassoc_cli.evaluation.report.build import render
from prodassoc_cli.evaluation.report.data import ReportData
from tests.evaluation.report.sections.test_products import relations_frame
from tests.evaluation.report.test_page import HOSTILE, report_data

pytestmark = pytest.mark.slow

DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1100,900",
]  # fmt: skip


class Browser:
    """As much of the WebDriver protocol as is needed here."""

    def __init__(self, port: int, profile: Path) -> None:
        self.base = f"http://127.0.0.1:{port}"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.base += (
            f"/session/{self.ask('/session', {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
        )

    def ask(self, path: str, body: dict | None = None, method: str = "POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def run(self, script: str):
        return self.ask("/execute/sync", {"script": script, "args": []})

    def show(self, path: Path, data: ReportData) -> None:
        path.write_text(render(data), encoding="utf-8")
        self.ask("/url", {"url": path.as_uri()})

    def type(self, selector: str, keys: str) -> None:
        found = self.ask("/element", {"using": "css selector", "value": selector})
        self.ask(f"/element/{next(iter(found.values()))}/value", {"text": keys})

    def text(self, selector: str) -> str:
        return self.run(f"return document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector: str) -> list[str]:
        return self.run(
            f"return [...document.querySelectorAll({json.dumps(selector)})].map(each => each.textContent)"
        )

    def errors(self) -> list:
        return self.ask("/se/log", {"type": "browser"})


@pytest.fixture
def browser(tmp_path):
    if DRIVER is None:
        pytest.skip("needs chromedriver and Chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                found = Browser(port, tmp_path / "profile")
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail("chromedriver does not answer")
        yield found
        found.ask("", method="DELETE")
    finally:
        driver.terminate()
        driver.wait(10)


def lift(browser: Browser) -> list[float]:
    return browser.run(
        "return [...document.querySelectorAll('#rules-table tbody tr')]"
        ".map(row => Number(row.cells[5].dataset.v))"
    )


def test_the_report_in_chromium(browser, tmp_path):
    browser.show(tmp_path / "report.html", report_data())
    assert browser.run("return document.title") == "How good the recommendations are"

    click = "document.querySelectorAll('#rules-table th button')[5].click()"
    browser.run(click)
    assert lift(browser) == sorted(lift(browser), reverse=True)
    browser.run(click)
    assert lift(browser) == sorted(lift(browser))
    sorted_by = "return document.querySelectorAll('#rules-table th')[5].getAttribute('aria-sort')"
    assert browser.run(sorted_by) == "ascending"

    boxes = browser.run(
        "return [...document.querySelectorAll('svg')].map(each => each.getBoundingClientRect().width)"
    )
    assert min(boxes) > 200
    browser.run("document.querySelector('.graph .node').focus()")
    assert browser.run("return document.querySelectorAll('.graph.picked .node.near').length") >= 2
    assert browser.run("return document.querySelectorAll('.graph.picked .edge.near').length") >= 1

    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.run(wide) <= 0
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.errors() == []


TITLES = ("Whole Milk 1 l", "Crème fraîche", "Milk Frother", "Toy Cow", "Rye Bread", "עוגת שוקולד 🎂")
DOWN, ENTER, ESCAPE = "\ue015", "\ue007", "\ue00c"


@pytest.fixture
def shop(browser, tmp_path):
    data = ReportData(**{**vars(report_data(TITLES)), "relations": relations_frame()})
    browser.show(tmp_path / "report.html", data)
    return browser


def test_a_product_is_searched_and_picked_by_keyboard(shop):
    shop.type("#door-search", "milk")
    assert shop.text("#door-status") == "2 products found."
    assert shop.texts("#door-hits bdi") == ["Milk Frother", "Whole Milk 1 l"]
    assert shop.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    shop.type("#door-search", DOWN + DOWN)
    active = shop.run("return document.activeElement.getAttribute('aria-activedescendant')")
    assert shop.text(f"#{active}").startswith("Whole Milk 1 l")
    assert shop.texts("[role=option][aria-selected=true] bdi") == ["Whole Milk 1 l"]
    shop.type("#door-search", ENTER)
    assert shop.run("return document.getElementById('door-hits').hidden")
    assert shop.text("#door-product h3") == "Whole Milk 1 l"
    assert shop.text("#door-status") == "Whole Milk 1 l: shown below."
    assert shop.texts("#door-product .card") == [
        "6Users",
        '10of 10 lists of m<1>"',
        "0of 8 lists of popularity",
    ]
    both_ways = shop.texts("#door-product tbody tr")
    assert both_ways == [
        "Whole Milk 1 lCrème fraîche930\u00a0%90\u00a0%3",
        "Whole Milk 1 l + Milk FrotherToy Cow410\u00a0%50\u00a0%2",
        "Crème fraîcheWhole Milk 1 l930\u00a0%80\u00a0%3",
    ]
    assert shop.texts("#door-product h4") == ["Goes with it", "The same in another form"]
    assert shop.texts("#door-product .related li") == [
        "Milk Frother bought together in 4 baskets, 5 times more often than by chance",
        "Crème fraîche bought together in 9 baskets, 3 times more often than by chance",
        f"{TITLES[5]} texts almost the same (97\u00a0%); together in 0 baskets",
    ]

    # On to a related product by Tab and Enter; the focus goes with what is shown.
    shop.type("#door-product .related .choice", ENTER)
    assert shop.text("#door-product h3") == "Milk Frother"
    assert shop.run("return document.activeElement === document.querySelector('#door-product h3')")
    assert shop.errors() == []


def test_the_search_finds_without_accents_by_id_and_says_where_there_is_nothing(shop):
    for query, found in (("creme fra", ["Crème fraîche"]), ("עוגת", [TITLES[5]]), ("cow d", ["Toy Cow"])):
        shop.run("document.getElementById('door-search').value = ''")
        shop.type("#door-search", query)
        assert shop.texts("#door-hits bdi") == found
    shop.type("#door-search", "zzz")
    assert shop.text("#door-status") == "No product is called that."
    assert shop.texts("#door-hits li") == []
    shop.type("#door-search", ENTER)
    assert shop.run("return document.getElementById('door-product').hidden")
    shop.run("document.getElementById('door-search').value = ''")
    shop.type("#door-search", "milk" + ESCAPE)
    assert shop.texts("#door-hits li") == []
    assert shop.errors() == []


def test_rules_are_filtered_by_product_category_and_measure_and_sorted(shop):
    def antecedents() -> list[str]:
        return shop.texts("#rules-table tbody td:first-child")

    assert len(antecedents()) == 4
    shop.type("#rules-filter [name=least]", "2.5")
    assert shop.text("#rules-status") == "2 rules."
    assert antecedents() == ["Whole Milk 1 l", "Crème fraîche"]
    click = "document.querySelectorAll('#rules-table th button')[4].click()"
    shop.run(click + ";" + click)
    assert antecedents() == ["Crème fraîche", "Whole Milk 1 l"]
    shop.run("document.querySelector('#rules-filter button').click()")
    assert len(antecedents()) == 4
    shop.type("#rules-filter [name=product]", "toy")
    assert shop.text("#rules-status") == "1 rule."
    assert antecedents() == ["Whole Milk 1 l + Milk Frother"]
    shop.run("document.querySelector('#rules-filter button').click()")
    assert shop.texts("#rules-filter [name=category] option")[1:] == [
        "<b>Toys",
        "Food",
        "Food > X",
        "Food > Y",
        "Gifts",
    ]
    shop.type("#rules-filter [name=category]", "Gifts")
    assert antecedents() == ["Rye Bread"]
    assert shop.errors() == []


def test_hostile_titles_stay_texts_in_the_search(browser, tmp_path):
    browser.show(tmp_path / "report.html", report_data())
    elements = browser.run("return document.querySelectorAll('*').length")
    browser.type("#door-search", "script>")
    assert browser.texts("#door-hits bdi") == [HOSTILE[0]]
    browser.type("#door-search", ENTER)
    assert browser.text("#door-product h3") == HOSTILE[0]
    assert HOSTILE[1] in browser.texts("#door-product tbody bdi")
    assert browser.run("return document.querySelectorAll('img, main script:not([type])').length") == 0
    assert browser.run("return document.querySelectorAll('*').length") > elements
    assert browser.errors() == []


def test_the_search_answers_in_the_language_of_the_page(browser, tmp_path):
    titles = ("特浓牛奶 1升", "牛奶巧克力", "龙井绿茶", "茶壶", "面包", "蛋糕")
    data = {**vars(report_data(titles)), "relations": relations_frame(), "language": "zh"}
    browser.show(tmp_path / "report.html", ReportData(**data))
    browser.type("#door-search", "牛奶")
    assert browser.text("#door-status") == "找到 2 种商品。"
    browser.type("#door-search", DOWN + ENTER)
    assert browser.text("#door-product h3") == "牛奶巧克力"
    related = browser.texts("#door-product .related li")
    assert related == ["特浓牛奶 1升 有 9 笔订单同时购买，约为随机情况的 3 倍"]
    browser.type("#rules-filter [name=least]", "2")
    assert browser.text("#rules-status") == "3 条规则。"
    assert browser.errors() == []
