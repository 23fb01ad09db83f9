"""No kind of pollution loses a row in silence; most lose none."""

from __future__ import annotations

import pytest

from benchmarks.pollock import load, score
from prodassoc_cli.errors import BadData
from tests.intake.formats.text.pollutions import pollutions

CASES = [(seed, case) for seed in range(6) for case in pollutions(seed)]


@pytest.mark.parametrize(("seed", "case"), CASES, ids=[f"{case.name}-{seed}" for seed, case in CASES])
def test_nothing_is_lost_or_what_is_lost_is_said(tmp_path, seed, case):
    path = tmp_path / "orders.csv"
    path.write_bytes(case.data)
    if not case.rows:
        with pytest.raises(BadData, match="is empty"):
            load(path)
        return
    try:
        loaded = load(path)
    except BadData:
        assert case.lossy
        return
    rows = [row[: len(case.rows[0])] for row in loaded.rows]
    if case.lossy:
        assert all(row in rows for row in case.rows)
        return
    assert rows == case.rows
    assert {reason for _, reason, _ in loaded.rejects} <= {"repeated_header"}
    assert score(loaded.rows, case.rows) == pytest.approx(10)
