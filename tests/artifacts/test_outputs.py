from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from prodassoc_cli.artifacts.outputs import Outputs, partial_path
from prodassoc_cli.errors import CannotCreate, OutputLocked


def write(target: Path, text: str) -> None:
    with Outputs([target]) as files:
        files.file(target).write(text.encode())


def test_a_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "out"
    with Outputs([target]) as files:
        files.file(target).write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]


def test_a_failure_leaves_the_old_files_and_nothing_else(tmp_path):
    old, other = tmp_path / "old", tmp_path / "other"
    old.write_text("old")
    with pytest.raises(ZeroDivisionError), Outputs([old, other]) as files:
        files.file(old).write(b"half")
        raise ZeroDivisionError
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]


def test_two_runs_on_one_output(tmp_path):
    target = tmp_path / "out"
    with Outputs([target]) as first:
        with pytest.raises(OutputLocked), Outputs([target]):
            pass
        first.file(target).write(b"first")
    assert target.read_bytes() == b"first"


def test_the_partial_file_of_a_killed_run_is_taken_over(tmp_path):
    target = tmp_path / "out"
    partial_path(target).write_text("left by a killed run, longer than what follows")
    write(target, "new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


def test_no_folder_no_file(tmp_path):
    with pytest.raises(CannotCreate, match="no folder"):
        write(tmp_path / "missing" / "out", "x")


def test_a_directory_in_its_place(tmp_path):
    with pytest.raises(CannotCreate, match="directory"):
        write(tmp_path, "x")


def test_two_outputs_to_one_file(tmp_path):
    with pytest.raises(CannotCreate, match="two outputs"):
        Outputs([tmp_path / "a", tmp_path / "a"])


def test_permissions_stay(tmp_path):
    target = tmp_path / "out"
    target.write_text("old")
    target.chmod(0o640)
    write(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_planted_as_partial_file_is_not_followed(tmp_path):
    target, victim = tmp_path / "out", tmp_path / "victim"
    victim.write_text("precious")
    partial_path(target).symlink_to(victim)
    with pytest.raises(CannotCreate):
        write(target, "x")
    assert victim.read_text() == "precious"


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, "through")
    assert os.read(reader, 100) == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)
