"""Charts as inline SVG: lines, intervals, bars and a scatter. Colours come from the style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from prodassoc_cli.evaluation.report.markup import colour, cut, safe
from prodassoc_cli.evaluation.report.words import Words


@dataclass(frozen=True)
class Scale:
    """From a value to a place: linear, or by the logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value, to a tenth of a pixel."""
        low, high, at = (
            (math.log(self.low), math.log(self.high), math.log(value))
            if self.log
            else (self.low, self.high, value)
        )
        share = 0.5 if high == low else (at - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values between the ends, about `most` of them."""
        if self.log:
            return _log_ticks(self.low, self.high)
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        raw = span / most
        step = 10 ** math.floor(math.log10(raw))
        step *= next(factor for factor in (1, 2, 2.5, 5, 10) if factor * step >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [round(each * step, 12) for each in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    found = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factor in (1, 2, 5)
    ]
    found = [each for each in found if low * 0.999 <= each <= high * 1.001]
    return found if len(found) <= 6 else found[:: math.ceil(len(found) / 6)]


def nice_top(value: float) -> float:
    """Return the end of an axis that holds the value: the next round number."""
    if value <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(value))
    return float(
        next(factor * step for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * step >= value)
    )


@dataclass(frozen=True)
class Line:
    """A named line through points, with the ends of an interval at each where known."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


def svg(size: tuple[int, int], label: str, *parts: str, css: str = "", role: str = "img") -> Markup:
    """Return a drawing with its text for those who cannot see it."""
    kind = f' class="{css}"' if css else ""
    return Markup(  # noqa: S704 — texts are made safe where they are put in
        f'<svg{kind} viewBox="0 0 {size[0]} {size[1]}" role="{role}" aria-label="{safe(label)}">'
        f"{''.join(parts)}</svg>"
    )


def line_chart(
    words: Words,
    lines: Sequence[Line],
    x_name: str,
    y_name: str,
    *,
    y_high: float | None = None,
    percent: str = "",
    wide: bool = False,
) -> Markup:
    """Return lines over a common axis, in the legend's colours.

    Args:
        words: the language.
        lines: at least one, with a point each.
        x_name: what lies to the right.
        y_name: what goes up.
        y_high: end of the upward axis; None for the next round number.
        percent: the axes (`x`, `y` or `xy`) that are shares.
        wide: whether it stands alone in its row.
    """
    size, (left, right, top, bottom) = (380, 240), (44, 372, 20, 200)
    if wide:
        size, (left, right, top, bottom) = (900, 320), (44, 890, 20, 278)
    xs = [x for line in lines for x, _ in line.points]
    highs = [y for line in lines for _, y in line.points] + [
        high for line in lines for _, _, high in line.band
    ]
    x = Scale(min(xs), max(xs), left, right)
    y = Scale(0, y_high or nice_top(max(highs)), bottom, top)
    parts = [_axes(words, x, y, x_name, y_name, percent=percent)]
    for place, line in enumerate(lines):
        if line.band:
            upper = " ".join(f"{x(at)},{y(min(high, y.high))}" for at, _, high in line.band)
            lower = " ".join(f"{x(at)},{y(max(low, 0))}" for at, low, _ in reversed(line.band))
            parts.append(f'<polygon class="band fill {colour(place)}" points="{upper} {lower}"/>')
        path = " ".join(f"{x(at)},{y(value)}" for at, value in line.points)
        parts.append(
            f'<polyline class="line stroke {colour(place)}" points="{path}">'
            f"<title>{safe(line.name)}</title></polyline>"
        )
    names = words.form.comma.join(line.name for line in lines)
    return svg(size, words.text("charts.lines", y=y_name, x=x_name, names=names), *parts)


def _axes(words: Words, x: Scale, y: Scale, x_name: str, y_name: str, *, percent: str = "") -> str:
    def text(value: float, axis: str) -> str:
        if axis in percent:
            return words.plain(100 * value) + words.form.percent
        return words.plain(value)

    lines = "".join(
        f'<line class="rule" x1="{x.start}" x2="{x.end}" y1="{y(value)}" y2="{y(value)}"/>'
        f'<text class="tick" x="{x.start - 6}" y="{y(value) + 4}" text-anchor="end">{text(value, "y")}</text>'
        for value in y.ticks()
    )
    below = "".join(
        f'<text class="tick" x="{x(value)}" y="{y.start + 16}" text-anchor="middle">{text(value, "x")}</text>'
        for value in x.ticks()
    )
    middle = (x.start + x.end) / 2
    named = (
        f'<text class="axis" x="{middle}" y="{y.start + 34}" text-anchor="middle">{safe(x_name)}</text>'
        f'<text class="axis" x="{x.start}" y="{y.end - 2}" dy="-4">{safe(y_name)}</text>'
    )
    return lines + below + named


@dataclass(frozen=True)
class Dot:
    """A value with its interval, of one series in one row of a dot chart."""

    row: str
    series: str
    value: float
    low: float | None
    high: float | None


def dot_chart(words: Words, dots: Sequence[Dot], series: Sequence[str], label: str) -> Markup:
    """Return values with 95 % intervals: a row per thing, a colour per series."""
    rows = list(dict.fromkeys(dot.row for dot in dots))
    step = max(26, 11 * len(series) + 8)
    left, right, top = 290, 890, 4
    bottom = top + step * len(rows)
    highest = max((dot.high if dot.high is not None else dot.value for dot in dots), default=1.0)
    x = Scale(0, nice_top(highest), left, right)
    parts = [
        f'<rect class="stripe" x="0" y="{top + step * place}" width="{right}" height="{step}"/>'
        for place in range(0, len(rows), 2)
    ]
    parts += [
        f'<line class="rule" x1="{x(value)}" x2="{x(value)}" y1="{top}" y2="{bottom}"/>'
        f'<text class="tick" x="{x(value)}" y="{bottom + 16}" text-anchor="middle">'
        f"{words.plain(value)}</text>"
        for value in x.ticks(6)
    ]
    parts += [
        f'<text x="{left - 10}" y="{top + step * (place + 0.5) + 4}" text-anchor="end">'
        f"{safe(cut(row, 44))}</text>"
        for place, row in enumerate(rows)
    ]
    for dot in dots:
        place = series.index(dot.series)
        y = top + step * (rows.index(dot.row) + 0.5) + 10 * (place - (len(series) - 1) / 2)
        named = {"series": dot.series, "row": dot.row, "value": words.number(dot.value)}
        text = words.text("charts.dot", **named)
        bar = ""
        if dot.low is not None and dot.high is not None:
            interval = {"low": words.number(dot.low), "high": words.number(dot.high)}
            text = words.text("charts.dot_interval", **named, **interval)
            ends = f'x1="{x(dot.low)}" x2="{x(dot.high)}" y1="{y}" y2="{y}"'
            bar = f'<line class="stroke" stroke-width="2" {ends}/>'
        parts.append(
            f'<g class="{colour(place)}">{bar}<circle class="fill" cx="{x(dot.value)}" cy="{y}" r="4.5">'
            f"<title>{safe(text)}</title></circle></g>"
        )
    return svg((900, bottom + 24), label, *parts)


def bar_chart(words: Words, bars: Sequence[tuple[str, float]], label: str) -> Markup:
    """Return horizontal bars with their numbers at the ends."""
    step, left, right = 24, 230, 820
    x = Scale(0, max((value for _, value in bars), default=1.0) or 1.0, left, right)
    parts = [
        f'<text x="{left - 10}" y="{step * place + 17}" text-anchor="end">{safe(cut(name, 32))}</text>'
        f'<rect class="fill s1" x="{left}" y="{step * place + 5}" height="15" rx="2" '
        f'width="{max(1.0, x(value) - left):.1f}"/>'
        f'<text class="tick" x="{x(value) + 6}" y="{step * place + 17}">{words.number(value)}</text>'
        for place, (name, value) in enumerate(bars)
    ]
    return svg((900, step * len(bars) + 6), label, *parts)


@dataclass(frozen=True)
class Point:
    """A point of a scatter: its place, the class of its colour (1 to 5), its words."""

    x: float
    y: float
    shade: int
    text: str


def scatter(words: Words, points: Sequence[Point], x_name: str, y_name: str, label: str) -> Markup:
    """Return points over a logarithmic and a linear axis; the darkest shade lies on top."""
    xs, ys = [point.x for point in points], [point.y for point in points]
    x = Scale(min(xs) / 1.15, max(xs) * 1.15, 44, 890, log=True)
    y = Scale(0, nice_top(max(ys)), 300, 24)
    drawn = "".join(
        f'<circle class="fill r{point.shade}" cx="{x(point.x)}" cy="{y(point.y)}" r="4">'
        f"<title>{safe(point.text)}</title></circle>"
        for point in sorted(points, key=lambda point: point.shade)
    )
    return svg((900, 340), label, _axes(words, x, y, x_name, y_name), drawn)
