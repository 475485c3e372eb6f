"""The charts of a data report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from zoo.data.analysis.analyse import DataReport
from zoo.data.analysis.distributions import Distribution
from zoo.html_report.charts import SERIES, Chart, Line, Scale, Tick, path_through, plot_area

WIDTH, HEIGHT = 400, 230
DIGIT = 7.5
"""The width of a digit of a label, in units of the chart."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Figure:
    """A chart with the names of its lines and a note."""

    chart: Chart
    legend: Sequence[str]
    note: str


def data_figures(report: DataReport) -> list[Figure]:
    """Return the charts of a data report, those that its data allow."""
    histories = report.histories
    curve = _lines(
        "Concentration", "share of the items, most frequent first", "share of the events",
        [x for x, _ in histories.curve], {"events": [y for _, y in histories.curve]},
    )  # fmt: skip
    figures = [
        _histogram(histories.per_user, "Events per user", report.size.user_kind),
        _histogram(histories.per_item, "Events per item", "items"),
        Figure(curve, (), f"The top 20 % of the items have {100 * histories.top_20:.0f} % of the events."),
    ]
    if (rhythm := report.rhythm) is not None:
        start = date.fromisoformat(rhythm.start)
        labels = [str(start + timedelta(days=rhythm.bin_days * n)) for n in range(len(rhythm.events))]
        unit = "day" if rhythm.bin_days == 1 else f"{rhythm.bin_days} days"
        figures += [
            Figure(_bars(f"Events per {unit}", "date", "events", labels, {"events": rhythm.events}), (), "Seasons, gaps and trends."),
            Figure(_bars("Events by hour (UTC)", "hour", "events", list(map(str, range(24))), {"events": rhythm.hours}), (), "Hours of the day in UTC."),
            Figure(_bars("Events by weekday (UTC)", "weekday", "events", DAYS, {"events": rhythm.weekdays}), (), "Days of the week in UTC."),
        ]  # fmt: skip
    if (turnover := report.turnover) is not None and len(turnover.months) > 1:
        series = {"active": turnover.active, "first event": turnover.first, "last event": turnover.last}
        chart = _bars("Items by month", "month", "items", turnover.months, series)
        figures.append(Figure(chart, list(series), "How fast items come and go."))
    if (prices := report.prices) is not None:
        labels = [f"{edge:.4g}" for edge in prices.edges[:-1]]
        chart = _bars(
            "What sells by price", "price from (tenths of the items)", "share of the events", labels, prices.events
        )
        figures.append(
            Figure(
                chart,
                list(prices.events),
                f"Prices of the {prices.source}; {100 * prices.priced:.0f} % of the items have one.",
            )
        )
    return figures


def _histogram(distribution: Distribution, title: str, counted: str) -> Figure:
    """Return the histogram of a distribution, with bins that double in width."""
    labels = [f"{edge:,.0f}" for edge in distribution.edges[:-1]]
    chart = _bars(title, f"{title.lower()}, from", counted, labels, {counted: distribution.counts})
    low, high = distribution.quantiles[2], distribution.quantiles[5]
    note = f"Median {distribution.median:g}; a quarter has at most {low:,.0f}, one in twenty more than {high:,.0f}."
    return Figure(chart, (), note)


def _bars(
    title: str, x_label: str, y_label: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]
) -> Chart:
    """Return a chart of steps, one for each label."""
    (left, right), (bottom, top) = plot_area(WIDTH, HEIGHT)
    n = max(len(labels), 1)
    x, y = Scale(0.0, float(n), left, right), _from_zero([v for values in series.values() for v in values], bottom, top)
    lines = []
    for number, (name, values) in enumerate(series.items()):
        edges = [(x.at(0), y.at(0)), *((x.at(at), y.at(value)) for at, value in enumerate(values)), (x.at(n), y.at(0))]
        lines.append(Line(name, path_through(edges, steps=True), number % SERIES))
    widest = DIGIT * max(map(len, labels), default=1)
    step = math.ceil(n * (widest + DIGIT) / (right - left))
    ticks = [Tick(x.at(at + 0.5), label) for at, label in enumerate(labels)][(step - 1) // 2 :: step]
    kept = [tick for tick in ticks if left + widest / 3 <= tick.at <= right - widest / 3] or ticks[:1]
    return Chart(title, x_label, f"{title}: {y_label}", kept, y.ticks(4), lines=lines, width=WIDTH, height=HEIGHT)


def _lines(title: str, x_label: str, y_label: str, at: Sequence[float], series: Mapping[str, Sequence[float]]) -> Chart:
    """Return a chart of lines through points."""
    (left, right), (bottom, top) = plot_area(WIDTH, HEIGHT)
    x, y = _from_zero(at, left, right), _from_zero([v for values in series.values() for v in values], bottom, top)
    lines = [
        Line(name, path_through([(x.at(a), y.at(v)) for a, v in zip(at, values, strict=True)]), number % SERIES)
        for number, (name, values) in enumerate(series.items())
    ]
    return Chart(title, x_label, f"{title}: {y_label}", x.ticks(5), y.ticks(4), lines=lines, width=WIDTH, height=HEIGHT)


def _from_zero(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale from 0 to just above the largest value."""
    return replace(Scale.of(values, start, end), low=0.0, high=1.02 * max([*values, 1e-9]))
