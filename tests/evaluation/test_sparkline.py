"""Numbers as a row of small bars."""

from prodassoc_cli.evaluation.sparkline import sparkline


def test_a_sparkline_has_a_bar_a_value():
    assert sparkline([0.0, 1.0, 2.0]) == "▁▅█"
    assert sparkline([5]) == "█"
    assert sparkline([]) == sparkline([0.0, 0.0]) == ""
