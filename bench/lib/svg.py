"""Small line charts as SVG: points with their spread, over a linear or a logarithmic axis, panels side by side.

`draw(Chart(...), ...)` gives the file's text: the same data, the same bytes. Both axes say what they are; the vertical
one begins at 0, so that a line's height is a quantity; the ticks of the other are the points that were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log, log10
from statistics import median
from typing import TYPE_CHECKING, Self
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Colours that the colour-blind tell apart as well (Okabe and Ito, "Color Universal Design", 2008), and shapes besides.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#555555")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "4 4", "1 4")

#: Of a panel, in pixels: its whole, and the room around the plot for titles and ticks.
_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 34, 50
_LINE_HEIGHT = 18
#: Pixels that the points of lines stand apart at the same x: whiskers would hide each other.
_BESIDE = 4

_FONT = "system-ui, sans-serif"

#: From this ratio of the largest x to the smallest on, an axis is logarithmic.
_LOGARITHMIC_FROM = 8

#: Pixels that two ticks' numbers need between them, a character of one about.
_CHARACTER = 7


@dataclass(frozen=True, slots=True)
class Point:
    """A value at `x`, and the least and greatest that were measured there."""

    x: float
    y: float
    low: float
    high: float

    @classmethod
    def of(cls, x: float, values: Sequence[float]) -> Self:
        """The median of several measurements, and their spread."""
        return cls(x, median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one kind, by rising x. Lines of the same place in their charts have the same colour."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """One panel."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]


class Scale:
    """From values to pixels, linear or logarithmic."""

    def __init__(self, bounds: tuple[float, float], pixels: tuple[float, float], *, logarithmic: bool = False) -> None:
        self._map = log if logarithmic else float
        self._low, high = map(self._map, bounds)
        self._first, last = pixels
        span = high - self._low
        # One value alone stands in the middle.
        self._factor = (last - self._first) / span if span else 0.0
        self._first += 0.0 if span else (last - self._first) / 2

    def __call__(self, value: float) -> float:
        return self._first + (self._map(value) - self._low) * self._factor


def draw(*charts: Chart) -> str:
    """The charts side by side over one legend. A chart needs a line, and a line a point."""
    names = list(dict.fromkeys(line.name for chart in charts for line in chart.lines))
    legend = names if len(names) > 1 else []
    width, height = _WIDTH * len(charts), _HEIGHT + _LINE_HEIGHT * len(legend)
    told = "; ".join(chart.title for chart in charts)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}" font-size="12" fill="#222">',
        f"<title>{escape(told)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, chart in enumerate(charts):
        parts += [f'<g transform="translate({number * _WIDTH} 0)">', *_panel(chart, names), "</g>"]
    for number, name in enumerate(legend):
        y = _HEIGHT + _LINE_HEIGHT * number + 4
        parts += [
            f'<path d="M{_LEFT} {y}h28" {_stroke(names, name)}/>',
            f'<circle cx="{_LEFT + 14}" cy="{y}" r="3" fill="{_colour(names, name)}"/>',
            _text(_LEFT + 36, y + 4, name),
        ]
    return "\n".join([*parts, "</svg>", ""])


def _panel(chart: Chart, names: list[str]) -> Iterable[str]:
    points = [point for line in chart.lines for point in line.points]
    xs = sorted({point.x for point in points})
    top, step = nice_top(max(point.high for point in points))
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    logarithmic = xs[0] > 0 and xs[-1] / xs[0] >= _LOGARITHMIC_FROM
    x_of = Scale((xs[0], xs[-1]), (_LEFT + 14, right - 14), logarithmic=logarithmic)
    y_of = Scale((0, top), (bottom, _TOP))
    yield _text(_LEFT, 18, chart.title, 'font-weight="600" font-size="13"')
    for number in range(round(top / step) + 1):
        y = y_of(number * step)
        yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{"#888" if number == 0 else "#e3e3e3"}"/>'
        yield _text(_LEFT - 6, y + 4, _number(number * step), 'text-anchor="end"')
    for x in _apart(xs, x_of):
        yield f'<path d="M{x_of(x):.1f} {bottom}v4" stroke="#888"/>'
        yield _text(x_of(x), bottom + 17, _number(x), 'text-anchor="middle"')
    yield _text((_LEFT + right) / 2, bottom + 37, chart.x_label, 'text-anchor="middle" fill="#555"')
    middle = (_TOP + bottom) / 2
    yield _text(14, middle, chart.y_label, f'text-anchor="middle" fill="#555" transform="rotate(-90 14 {middle:.1f})"')
    for number, line in enumerate(chart.lines):
        colour = _colour(names, line.name)
        beside = (number - (len(chart.lines) - 1) / 2) * _BESIDE
        at = [(x_of(point.x) + beside, y_of(point.y)) for point in line.points]
        yield f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in at)}" {_stroke(names, line.name)}/>'
        for (x, y), point in zip(at, line.points, strict=True):
            if point.high > point.low:
                low, high = y_of(point.low), y_of(point.high)
                ends = f"M{x - 3:.1f} {low:.1f}h6M{x - 3:.1f} {high:.1f}h6M{x:.1f} {low:.1f}V{high:.1f}"
                yield f'<path d="{ends}" fill="none" stroke="{colour}"/>'
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def nice_top(most: float) -> tuple[float, float]:
    """Where an axis from 0 ends that is to hold `most`, and its step: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return 1.0, 1.0
    power = 10.0 ** floor(log10(most / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 5 >= most)
    steps = -floor(-most / step * (1 - 1e-9))
    return steps * step, step


def _apart(xs: list[float], x_of: Scale) -> list[float]:
    """Those whose numbers do not touch, the last one always."""
    kept = [xs[-1]]
    for x in reversed(xs[:-1]):
        room = (len(_number(x)) + len(_number(kept[-1]))) / 2 * _CHARACTER + 6
        if x_of(kept[-1]) - x_of(x) >= room:
            kept.append(x)
    return kept


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.6g}"


def _colour(names: list[str], name: str) -> str:
    return _COLOURS[names.index(name) % len(_COLOURS)]


def _stroke(names: list[str], name: str) -> str:
    dash = _DASHES[names.index(name) % len(_DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_colour(names, name)}" stroke-width="2"{dashed}'


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{" " if more else ""}{more}>{escape(text)}</text>'
