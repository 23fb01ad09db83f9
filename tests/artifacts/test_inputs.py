from __future__ import annotations

import os
import threading

import pytest

from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.errors import NoInput, UsageProblem


def names(*specs: object) -> list[str]:
    return [each.name for each in locate([str(spec) for spec in specs])]


def test_files_folders_and_globs_in_a_stable_order(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt", ".hidden.csv", "_SUCCESS"):
        (tmp_path / name).write_text(name)
    assert names(tmp_path / "b.csv", tmp_path / "a.csv") == ["b.csv", "a.csv"]
    assert names(tmp_path / "*.csv") == ["a.csv", "b.csv"]
    assert names(tmp_path) == ["a.csv", "b.csv", "c.txt"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "orders.csv").write_text(folder)
    assert names(tmp_path / "north" / "orders.csv", tmp_path / "south" / "orders.csv") == [
        "north/orders.csv",
        "south/orders.csv",
    ]


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "orders.csv").write_text("x")
    with pytest.raises(NoInput) as caught:
        names(tmp_path / "order.csv")
    assert "orders.csv" in caught.value.hint


@pytest.mark.parametrize("nothing", ["*.parquet", "nowhere/x.csv", "empty"])
def test_nothing_there(tmp_path, nothing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInput):
        names(tmp_path / nothing)


def test_standard_input_is_read_once():
    with pytest.raises(UsageProblem):
        names("-", "-")


def test_a_named_pipe_is_copied_and_can_be_read_again(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("through",))
    writer.start()
    (found,) = locate([str(pipe)])
    writer.join()
    assert found.path.read_text() == found.path.read_text() == "through"
    assert found.name == "pipe"
