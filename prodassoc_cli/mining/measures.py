"""Interest measures of a rule A → B, each one line of one table.

All are functions of four numbers: n baskets, n(A), n(B), and n(A∪B), the baskets that hold both sides.
Where a measure is undefined (a division by zero) it is null, never infinite and never NaN.

Sources: [AIS93] Agrawal, Imieliński & Swami 1993. [BMUT97] Brin, Motwani, Ullman & Tsur 1997.
[PS91] Piatetsky-Shapiro 1991. [TKS04] Tan, Kumar & Srivastava 2004. [WCH10] Wu, Chen &
Han 2010. [Z00] Zhang 2000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from prodassoc_cli.errors import UsageProblem, did_you_mean

_n, _a, _b, _ab = (pl.col(name).cast(pl.Float64) for name in ("n", "n_a", "n_b", "n_ab"))


@dataclass(frozen=True)
class Measure:
    """One interest measure.

    Attributes:
        name: the column it makes.
        formula: expression over the columns n, n_a, n_b and n_ab.
        low: least value.
        high: greatest value.
        meaning: one sentence.
        source: where it was defined, see the module's docstring.
    """

    name: str
    formula: pl.Expr
    low: float
    high: float
    meaning: str
    source: str

    def expression(self) -> pl.Expr:
        """Return the formula, null where it is undefined, under the measure's name."""
        return pl.when(self.formula.is_finite()).then(self.formula).alias(self.name)


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("support", _ab / _n, 0, 1, "share of baskets that hold both sides", "AIS93"),
        Measure("confidence", _ab / _a, 0, 1, "share of the baskets with A that hold B too", "AIS93"),
        Measure("lift", _ab * _n / (_a * _b), 0, math.inf, "times more often than by chance", "BMUT97"),
        Measure("leverage", _ab / _n - _a * _b / (_n * _n), -1 / 4, 1 / 4, "support above chance", "PS91"),
        Measure(
            "conviction", _a * (_n - _b) / (_n * (_a - _ab)), 0, math.inf,
            "how much rarer A without B is than by chance; undefined at confidence 1", "BMUT97",
        ),
        Measure("jaccard", _ab / (_a + _b - _ab), 0, 1, "of baskets with a side that hold both", "TKS04"),
        Measure("cosine", _ab / (_a * _b).sqrt(), 0, 1, "geometric mean of both confidences", "TKS04"),
        Measure("kulczynski", (_ab / _a + _ab / _b) / 2, 0, 1, "mean of the confidences both ways", "WCH10"),
        Measure(
            "zhang", (_ab * _n - _a * _b) / pl.max_horizontal(_ab * (_n - _a), _a * (_b - _ab)), -1, 1,
            "association from -1 (never together) to 1", "Z00",
        ),
    )
}  # fmt: skip
"""Every measure by name, in the order of the columns."""


def measure(name: str) -> Measure:
    """Return the measure of that name.

    Raises:
        UsageProblem: there is none.
    """
    if name not in MEASURES:
        raise UsageProblem(f"unknown measure '{name}'", did_you_mean(name, MEASURES))
    return MEASURES[name]
