"""The report in a real browser: no error, tables sort, the graph answers the keyboard."""

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

from .test_page import report_data

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
    path = tmp_path / "report.html"
    path.write_text(render(report_data()), encoding="utf-8")
    browser.ask("/url", {"url": path.as_uri()})
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
    assert browser.ask("/se/log", {"type": "browser"}) == []
