"""Interest measures of a rule A → B, each one entry of one table.

All are functions of four numbers: n baskets, n(A), n(B), and n(A∪B), the baskets that hold both sides.
Where a measure is undefined (a division by zero) it is null, never infinite and never NaN. 0·log 0 is 0.

Sources: [A98] Aggarwal & Yu 1998. [AIS93] Agrawal, Imieliński & Swami 1993. [AK02] Azé & Kodratoff 2002.
[BC96] Bernard & Charron 1996. [BFOS84] Breiman, Friedman, Olshen & Stone 1984. [BGBG05] Blanchard, Guillet,
Briand & Gras 2005. [BMUT97] Brin, Motwani, Ullman & Tsur 1997. [C60] Cohen 1960. [CB91] Clark & Boswell
1991. [DRT07] Diatta, Ralambondrainy & Totohasina 2007. [GK54] Goodman & Kruskal 1954. [GL93] Gras & Larher
1993. [HW01] Hofmann & Wilhelm 2001. [K01] Kodratoff 2001. [KS08] Kenett & Salini 2008. [LFZ99] Lavrač,
Flach & Zupan 1999. [LGR81] Lerman, Gras & Rostam 1981. [LHM99] Liu, Hsu & Ma 1999. [MMO08] McNicholas,
Murphy & O'Regan 2008. [MTC09] MacLennan, Tang & Crivat 2009. [O03] Omiecinski 2003. [OKJ16] Ochin, Kumar &
Joshi 2016. [P96] Pearson 1896. [PS91] Piatetsky-Shapiro 1991. [SB75] Shortliffe & Buchanan 1975. [SG92]
Smyth & Goodman 1992. [SR88] Sebag & Schoenauer 1988. [TKS04] Tan, Kumar & Srivastava 2004. [WCH10] Wu, Chen
& Han 2010. [Y00] Yule 1900. [Y12] Yule 1912. [Z00] Zhang 2000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from prodassoc_cli.errors import UsageProblem, did_you_mean


@dataclass(frozen=True)
class Measure:
    """One interest measure.

    Attributes:
        name: the column it makes.
        formula: expression over the columns n, n_a, n_b and n_ab.
        low: minimum value.
        high: maximum value.
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


def _share_log(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return part·ln(part/whole), 0 where the part is 0."""
    return pl.when(part > 0).then(part * (part / whole).log()).otherwise(0.0)


def _entropy(*parts: pl.Expr) -> pl.Expr:
    """Return n·H in nats of a partition of the n baskets."""
    return -sum((_share_log(part, _n) for part in parts), pl.lit(0.0))


_n, _a, _b, _ab = (pl.col(name).cast(pl.Float64) for name in ("n", "n_a", "n_b", "n_ab"))
_not_a, _not_b, _a_only, _b_only = _n - _a, _n - _b, _a - _ab, _b - _ab
_neither = _n - _a - _b + _ab
_diagonal, _chance = _ab + _neither, (_a * _b + _not_a * _not_b) / _n
_cross = _ab * _neither - _a_only * _b_only
_roots = (_ab * _neither).sqrt(), (_a_only * _b_only).sqrt()
_confidence, _lift, _gap = _ab / _a, _ab * _n / (_a * _b), _ab / _a - _b / _n
_linkage = pl.when(_cross > 0).then(pl.min_horizontal(_a_only, _b_only)).otherwise(
    -pl.min_horizontal(_ab, _neither)
)  # fmt: skip
_information = _entropy(_a, _not_a) + _entropy(_b, _not_b) - _entropy(_ab, _a_only, _b_only, _neither)
_gini_gain = (
    (_ab.pow(2) + _a_only.pow(2)) / _a + (_b_only.pow(2) + _neither.pow(2)) / _not_a
    - (_b.pow(2) + _not_b.pow(2)) / _n
) / _n  # fmt: skip
_larger_b = pl.max_horizontal(_b, _not_b)
_hits = pl.max_horizontal(_ab, _a_only) + pl.max_horizontal(_b_only, _neither)
_least_lift = pl.max_horizontal(_a + _b - _n, pl.lit(1.0)) * _n / (_a * _b)
_most_lift = _n / pl.max_horizontal(_a, _b)
_INF = math.inf

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("support", _ab / _n, 0, 1, "share of baskets that hold both sides", "AIS93"),
        Measure("confidence", _confidence, 0, 1, "share of the baskets with A that hold B too", "AIS93"),
        Measure("lift", _lift, 0, _INF, "times more often than by chance", "BMUT97"),
        Measure("leverage", _ab / _n - _a * _b / (_n * _n), -1 / 4, 1 / 4, "support above chance", "PS91"),
        Measure(
            "conviction", _a * (_n - _b) / (_n * (_a - _ab)), 0, _INF,
            "how much rarer A without B is than by chance; undefined at confidence 1", "BMUT97",
        ),
        Measure("jaccard", _ab / (_a + _b - _ab), 0, 1, "of baskets with a side that hold both", "TKS04"),
        Measure("cosine", _ab / (_a * _b).sqrt(), 0, 1, "geometric mean of both confidences", "TKS04"),
        Measure("kulczynski", (_ab / _a + _ab / _b) / 2, 0, 1, "mean of the confidences both ways", "WCH10"),
        Measure(
            "zhang", (_ab * _n - _a * _b) / pl.max_horizontal(_ab * (_n - _a), _a * (_b - _ab)), -1, 1,
            "association from -1 (never together) to 1", "Z00",
        ),
        Measure("coverage", _a / _n, 0, 1, "support of A", "LFZ99"),
        Measure("consequent_support", _b / _n, 0, 1, "support of B", "AIS93"),
        Measure("added_value", _gap, -1, 1, "confidence above the support of B", "TKS04"),
        Measure("all_confidence", _ab / pl.max_horizontal(_a, _b), 0, 1, "lesser confidence", "O03"),
        Measure("max_confidence", _ab / pl.min_horizontal(_a, _b), 0, 1, "greater confidence", "TKS04"),
        Measure("causal_confidence", (_confidence + _neither / _not_b) / 2, 0, 1,
                "mean confidence of A → B and of not B → not A", "K01"),
        Measure("causal_support", _diagonal / _n, 0, 1, "share of baskets with both sides or neither", "K01"),
        Measure("centered_confidence", _not_b / _n - _a_only / _a, -1, 1,
                "how much rarer A without B is among A's baskets than not B is; equals added_value", "BC96"),
        Measure("certainty", pl.when(_gap >= 0).then(_gap * _n / _not_b).otherwise(_gap * _n / _b), -1, 1,
                "share of the doubt about B that A takes away, below 0 adds", "SB75"),
        Measure("chi_squared", _n * _cross.pow(2) / (_a * _b * _not_a * _not_b), 0, _INF,
                "test statistic of independence, one degree of freedom", "LHM99"),
        Measure("collective_strength", _diagonal / _chance * (_n - _chance) / (_n - _diagonal), 0, _INF,
                "agreement over disagreement, each relative to chance", "A98"),
        Measure("confirmed_confidence", (_ab - _a_only) / _a, -1, 1,
                "confidence of B less that of not B", "K01"),
        Measure("counterexample", (_ab - _a_only) / _ab, -_INF, 1,
                "1 less counter-examples an example", "BGBG05"),
        Measure("difference_of_confidence", _confidence - _b_only / _not_a, -1, 1,
                "confidence with A less confidence without A", "HW01"),
        Measure("gini", _gini_gain, 0, 1 / 2, "Gini impurity of B that knowing A takes away", "BFOS84"),
        Measure("imbalance", (_a - _b).abs() / (_a + _b - _ab), 0, 1,
                "how unlike the sides' supports are", "WCH10"),
        Measure("implication_index", (_a_only - _a * _not_b / _n) / (_a * _not_b / _n).sqrt(), -_INF, _INF,
                "counter-examples above chance, in standard deviations: low is good", "GL93"),
        Measure("importance", ((_ab + 1) * (_not_a + 2) / ((_b_only + 1) * (_a + 2))).log(10), -_INF, _INF,
                "log10 ratio of smoothed confidence with A to that without", "MTC09"),
        Measure("j_measure",
                (_share_log(_ab, _a * _b / _n) + _share_log(_a_only, _a * _not_b / _n)) / _n, 0, _INF,
                "nats that the rule tells about B", "SG92"),
        Measure("kappa", (_diagonal - _chance) / (_n - _chance), -1, 1, "agreement beyond chance", "C60"),
        Measure("lambda", (_hits - _larger_b) / (_n - _larger_b), 0, 1,
                "share of wrong guesses of B that knowing A corrects", "GK54"),
        Measure("laplace", (_ab + 1) / (_a + 2), 0, 1, "confidence with one more of each outcome", "CB91"),
        Measure("least_contradiction", (_ab - _a_only) / _b, -_INF, 1,
                "examples less counter-examples, an occurrence of B", "AK02"),
        Measure("lerman", (_ab - _a * _b / _n) / (_a * _b / _n).sqrt(), -_INF, _INF,
                "examples above chance, in standard deviations", "LGR81"),
        Measure("mutual_information",
                _information / pl.min_horizontal(_entropy(_a, _not_a), _entropy(_b, _not_b)),
                0, 1, "share of the smaller entropy that one side explains of the other", "TKS04"),
        Measure("odds_ratio", _ab * _neither / (_a_only * _b_only), 0, _INF,
                "odds of B with A over those without", "TKS04"),
        Measure("phi", _cross / (_a * _b * _not_a * _not_b).sqrt(), -1, 1, "correlation of the sides", "P96"),
        Measure("ralambondrainy", _a_only / _n, 0, 1,
                "share of baskets that contradict: low is good", "DRT07"),
        Measure("relative_linkage", _cross / (_cross + _n * _linkage), -1, 1,
                "distance from independence, of the maximum possible; below 0 when negative", "KS08"),
        Measure("relative_risk", _ab * _not_a / (_a * _b_only), 0, _INF,
                "confidence with A over that without", "TKS04"),
        Measure("rule_power_factor", _ab / _n * _confidence, 0, 1, "support · confidence", "OKJ16"),
        Measure("sebag", _ab / _a_only, 0, _INF, "examples a counter-example", "SR88"),
        Measure("standardized_lift", (_lift - _least_lift) / (_most_lift - _least_lift), 0, 1,
                "lift between the minimum and maximum possible with these supports", "MMO08"),
        Measure("varying_liaison", _lift - 1, -1, _INF, "lift less 1", "BC96"),
        Measure("yule_q", _cross / (_ab * _neither + _a_only * _b_only), -1, 1,
                "odds ratio scaled to -1 … 1", "Y00"),
        Measure("yule_y", (_roots[0] - _roots[1]) / (_roots[0] + _roots[1]), -1, 1,
                "its square root, so scaled", "Y12"),
    )
}  # fmt: skip
"""Every measure by name, in the order of the columns."""

DEFAULT_MEASURES = tuple(MEASURES)[:9]
"""Those a file of rules holds when none are asked for."""

REQUIRED_MEASURES = DEFAULT_MEASURES[:3]
"""Those every file of rules holds."""


def measure(name: str) -> Measure:
    """Return the measure of that name.

    Raises:
        UsageProblem: there is none.
    """
    if name not in MEASURES:
        raise UsageProblem(f"unknown measure '{name}'", did_you_mean(name, MEASURES))
    return MEASURES[name]


def chosen_measures(names: str | None) -> tuple[str, ...]:
    """Return the measures to write, in the order of the table; support, confidence and lift always.

    Args:
        names: comma-separated, or all; None for the default.

    Raises:
        UsageProblem: a name is unknown.
    """
    if names is None:
        return DEFAULT_MEASURES
    if names.strip() == "all":
        return tuple(MEASURES)
    wanted = {measure(name.strip()).name for name in names.split(",") if name.strip()}
    return tuple(name for name in MEASURES if name in wanted or name in REQUIRED_MEASURES)


def minimum_values(bounds: Sequence[str]) -> dict[str, float]:
    """Return measure → minimum value from texts such as `phi=0.1`.

    Raises:
        UsageProblem: a text has another form, or names no measure.
    """
    minimum = {}
    for bound in bounds:
        name, _, value = bound.partition("=")
        try:
            minimum[measure(name.strip()).name] = float(value)
        except ValueError as error:
            raise UsageProblem(
                f"`min={bound}` is not MEASURE=VALUE", "write it like `min=phi=0.1`"
            ) from error
    return minimum
