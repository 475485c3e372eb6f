"""Charts as positions on a canvas: scales, ticks, points and lines. The templates draw them as SVG.

Positions are in the units of the canvas, rounded to a tenth, so that a page with hundreds of models stays small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from zoo.html_report.formatting import format_short

Format = Callable[[float], str]
LETTER, LINE, GAP = 6.0, 12.0, 8.0
"""The width of a letter of a label, the height of its line, and its distance from its point."""
NAME = 22
"""The most letters of a label."""
Box = tuple[float, float, float, float]
SERIES = 6
"""The number of colours and dashes; further series begin again."""


@dataclass(frozen=True)
class Tick:
    """A tick of an axis at a position, with its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic scale from values to positions.

    Attributes:
        low: The smallest value.
        high: The largest value.
        start: The position of the smallest value.
        end: The position of the largest value.
        log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float, *, log: bool = False, zero: bool = False) -> Scale:
        """Return a scale that covers values, with a margin; with `zero`, it begins at 0 if the values are near it."""
        known = [v for v in values if math.isfinite(v) and (v > 0 or not log)] or [1.0]
        low, high = min(known), max(known)
        if log:
            margin = max((high / low) ** 0.06, 1.15)
            return cls(low / margin, high * margin, start, end, log=True)
        size = max(abs(low), abs(high))
        margin = 0.06 * (high - low) if high - low > 1e-9 * size else 0.1 * size
        margin = margin if margin > 1e-100 else 1.0
        low, high = low - margin, high + margin
        if min(known) >= 0 and (low < 0 or zero):
            low = 0.0
        return cls(low, high, start, end)

    def at(self, value: float) -> float:
        """Return the position of a value."""
        low, high, value = (math.log(v) for v in (self.low, self.high, value)) if self.log else (
            self.low, self.high, value,
        )  # fmt: skip
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self, most: int, label: Format = format_short) -> list[Tick]:
        """Return ticks at round values."""
        values = _log_steps(self.low, self.high, most) if self.log else _steps(self.low, self.high, most)
        return [Tick(self.at(v), label(v)) for v in values]


def _steps(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between two values."""
    raw = (high - low) / max(most, 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw * 0.999)
    found = (float(f"{n * step:.12g}") for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
    return [value for value in found if low <= value <= high]


def _log_steps(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten between two values; on a short scale also 2 and 5 times such powers, or linear steps."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [f * 10.0**n for n in range(first, last + 1) for f in factors if low <= f * 10.0**n <= high]
        if len(found) >= 3:
            return found[:: max(math.ceil(len(found) / most), 1)]
    return [v for v in _steps(low, high, most) if v > 0]


@dataclass(frozen=True)
class Point:
    """A point of a scatter chart.

    Attributes:
        x: Its position.
        y: Its position.
        name: The model.
        text: What the tooltip says.
        front: Whether no other point is better in both values.
        reference: Whether it belongs to a reference.
        anchor: Where its label begins or ends: `start` or `end`.
        below: Whether its label is below it.
        labelled: Whether it has a label; without one, its name is in the tooltip alone.
        cross: Whether its mark is a cross, for what has no value on the vertical axis.
    """

    x: float
    y: float
    name: str
    text: str
    front: bool = False
    reference: bool = False
    anchor: str = "start"
    below: bool = False
    labelled: bool = True
    cross: bool = False


@dataclass(frozen=True)
class Line:
    """A line through points.

    Attributes:
        name: What it shows.
        path: The path as SVG.
        series: The number of its colour and dash.
        marks: Points that are marked on it, each with position and tooltip.
    """

    name: str
    path: str
    series: int = 0
    marks: Sequence[Point] = ()


@dataclass(frozen=True)
class Chart:
    """A chart with two axes.

    Attributes:
        title: What it shows, also for readers who do not see it.
        x_label: The name of the horizontal axis.
        y_label: The name of the vertical axis.
        x_ticks: Ticks of the horizontal axis.
        y_ticks: Ticks of the vertical axis.
        points: Points.
        lines: Lines.
        front: The path of the Pareto front; empty without one.
        width: The width of the canvas.
        height: Its height.
    """

    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    points: Sequence[Point] = ()
    lines: Sequence[Line] = ()
    front: str = ""
    width: int = 400
    height: int = 280
    left: int = field(default=52, init=False)
    right: int = field(default=12, init=False)
    top: int = field(default=28, init=False)
    bottom: int = field(default=42, init=False)


def label_apart(points: Sequence[Point], width: float) -> list[Point]:
    """Return points, those of the front with labels that overlap neither each other nor a point; one without a place has none.

    Args:
        points: The points.
        width: The width of the canvas.
    """
    taken: list[Box] = [(p.x - 5, p.y - 5, p.x + 5, p.y + 5) for p in points]
    placed = []
    for point in points:
        sides = (point.anchor, "end" if point.anchor == "start" else "start")
        choices = [replace(point, anchor=side, below=below) for below in (False, True) for side in sides]
        free = [p for p in choices if point.front and _is_free(_label_box(p), taken, width)]
        if free:
            taken.append(_label_box(free[0]))
        placed.append(free[0] if free else replace(point, labelled=False))
    return placed


def ticks_apart(ticks: Sequence[Tick]) -> list[Tick]:
    """Return the ticks of a horizontal axis whose labels do not overlap, from the left."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or tick.at - kept[-1].at > LETTER * (len(tick.label) + len(kept[-1].label)) / 2 + GAP:
            kept.append(tick)
    return kept


def _label_box(point: Point) -> Box:
    """Return left, top, right and bottom of the label of a point."""
    width = LETTER * min(len(point.name), NAME)
    left = point.x + GAP if point.anchor == "start" else point.x - GAP - width
    top = point.y + 4 if point.below else point.y - 4 - LINE
    return left, top, left + width, top + LINE


def _is_free(box: Box, taken: Sequence[Box], width: float) -> bool:
    """Return whether a box lies on the canvas and overlaps no other."""
    left, top, right, bottom = box
    apart = (right <= a or c <= left or bottom <= b or d <= top for a, b, c, d in taken)
    return left >= 0 and right <= width and all(apart)


def plot_area(width: int = 400, height: int = 280) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the positions of the ends of the horizontal and of the vertical axis of a chart of a size."""
    return (Chart.left, width - Chart.right), (height - Chart.bottom, Chart.top)


def path_through(points: Sequence[tuple[float, float]], *, steps: bool = False) -> str:
    """Return a path through positions as SVG; with `steps`, level between points."""
    if not points:
        return ""
    (x, y), *others = points
    parts = [f"M{x:g} {y:g}"]
    for to_x, to_y in others:
        parts.append(f"H{to_x:g}V{to_y:g}" if steps else f"L{to_x:g} {to_y:g}")
    return "".join(parts)
