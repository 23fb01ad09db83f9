from __future__ import annotations

import json
import time

import polars as pl

from prodassoc_cli.terminal.messages import Messages


def test_text_is_one_line_and_names_the_command(capsys):
    Messages("mine").warning("a\nb\x1b[0m")
    assert capsys.readouterr() == ("", "prodassoc mine: warning: a b [0m\n")


def test_an_error_may_have_a_hint(capsys):
    Messages("mine").error("no file", "try this")
    assert capsys.readouterr().err == "prodassoc mine: error: no file\n  try this\n"


def test_quiet_says_errors_only(capsys):
    quiet = Messages("mine", quiet=True)
    quiet.info("x")
    quiet.table(pl.DataFrame({"a": [1]}))
    quiet.error("y")
    assert capsys.readouterr().err == "prodassoc mine: error: y\n"


def test_json_is_one_object_a_line(capsys):
    Messages("mine", log_format="json").error('say "no"', "hint")
    record = json.loads(capsys.readouterr().err)
    assert (record["level"], record["command"], record["message"], record["hint"]) == (
        "error",
        "mine",
        'say "no"',
        "hint",
    )


def test_slow_work_is_spoken_of_and_quick_work_is_not(capsys):
    with Messages("mine").if_slow("slow", seconds=0.05):
        pass
    assert capsys.readouterr().err == ""
    with Messages("mine").if_slow("slow", seconds=0.01):
        time.sleep(0.2)
    assert "slow" in capsys.readouterr().err
