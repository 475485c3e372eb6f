"""The leaderboard: a row per model and a column per figure, and the intervals of a metric as bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.benchmark.tuning.settings import has_settings_column, is_tuned
from zoo.evaluation.significance import Verdict
from zoo.html_report.charts import Scale
from zoo.html_report.formatting import (
    NONE,
    format_count,
    format_figure,
    format_mebibytes,
    format_milliseconds,
    format_seconds,
)
from zoo.html_report.measured import Figure, MeasuredBenchmark, MeasuredMetric, MeasuredModel

VERDICTS: dict[Verdict, str] = {
    "best": "best",
    "same": "cannot be told apart from the best",
    "worse": "significantly worse than the best",
    "not tested": "not tested: a model that depends on a seed needs three seeds",
}
MARKS: dict[Verdict, str] = {"best": "★", "same": "=", "worse": "", "not tested": "?"}


@dataclass(frozen=True)
class Heading:
    """A column of the leaderboard.

    Attributes:
        title: Its name.
        help: What it shows, in a sentence.
        descending: Whether the best value is the largest.
        shown: Whether the column is visible at first.
    """

    title: str
    help: str = ""
    descending: bool = False
    shown: bool = True


@dataclass(frozen=True)
class FigureCell:
    """A cell.

    Attributes:
        text: The value.
        order: The number that the cell sorts by; None sorts last.
        below: A second line: the interval.
        verdict: The verdict on a metric.
    """

    text: str
    order: float | str | None
    below: str = ""
    verdict: Verdict | None = None

    @property
    def mark(self) -> str:
        """The sign of the verdict."""
        return MARKS[self.verdict] if self.verdict else ""

    @property
    def explained(self) -> str:
        """The verdict in words."""
        return VERDICTS[self.verdict] if self.verdict else ""


@dataclass(frozen=True)
class LeaderRow:
    """A model in the leaderboard."""

    label: str
    kind: str
    error: str
    cells: Sequence[FigureCell]


@dataclass(frozen=True)
class Leaderboard:
    """The leaderboard.

    Attributes:
        headings: The columns after the first, which has the names.
        rows: The models, the best by the main metric first, failed models last.
        sorted_by: The number of the column that the rows are sorted by; None if there is none.
    """

    headings: Sequence[Heading]
    rows: Sequence[LeaderRow]
    sorted_by: int | None


@dataclass(frozen=True)
class IntervalBar:
    """A metric of a model as a bar: the interval from `left` with `width`, the value at `dot`, all in percent of the track."""

    label: str
    text: str
    below: str
    left: float
    width: float
    dot: float
    verdict: Verdict | None
    reference: bool


_COSTS: tuple[tuple[str, str, str, Callable[[float], str], bool, bool], ...] = (
    ("fit_seconds", "fit", "Time to fit all stages, mean over the seeds", format_seconds, False, True),
    ("p50_ms", "p50", "Median latency of a single query", format_milliseconds, False, True),
    ("p99_ms", "p99", "99th percentile of the latency of a single query", format_milliseconds, False, False),
    ("recommend_per_second", "queries/s", "Queries answered per second in blocks", format_count, True, False),
    ("peak_memory_mib", "memory", "Peak memory of the process during the run", format_mebibytes, False, True),
    ("parameters", "parameters", "Learned parameters", format_count, False, False),
)


def leaderboard(benchmark: MeasuredBenchmark, metrics: Sequence[MeasuredMetric]) -> Leaderboard:
    """Return the leaderboard of a benchmark."""
    headings = [Heading(m.name, _help(m), m.higher is not False) for m in metrics]
    headings += [Heading("seeds", "Runs with different seeds; 1 for a model without one", True)]
    headings += [Heading(title, text, down, shown) for _, title, text, _, down, shown in _COSTS]
    timed = any(run.reads_time for model in benchmark.models for run in model.runs)
    if timed:
        headings.append(Heading("reads time", "Whether a part of the model uses the time of the query", True))
    named = has_settings_column(run for model in benchmark.models for run in model.runs)
    if named:
        sources = "Where the settings are from: default, a published recipe, given in the file, or tuned"
        headings.append(Heading("settings", sources, True))
    searched = any(is_tuned(model.runs) for model in benchmark.models)
    if searched:
        headings.append(Heading("search", "Time of the search of settings, which the seeds share"))
    rows = []
    for model in in_order(benchmark, metrics):
        if model.failed:
            error = next(run.error for run in model.runs if run.error) or ""
            rows.append(LeaderRow(model.label, model.kind, error, [FigureCell("", None)] * len(headings)))
            continue
        cells = [_metric_cell(metric.figures[model.label]) for metric in metrics]
        cells.append(FigureCell(str(len(model.runs)), len(model.runs)))
        cells += [
            FigureCell(NONE, None) if model.external else FigureCell(form(model.mean(name)), model.mean(name))
            for name, _, _, form, _, _ in _COSTS
        ]
        if timed:
            reads = any(run.reads_time for run in model.runs)
            cells.append(FigureCell("yes" if reads else "", float(reads)))
        if named:
            trials = float(model.runs[0].tuning.get("trials", 0))
            cells.append(FigureCell(NONE, None) if model.external else FigureCell(model.runs[0].settings, trials))
        if searched:
            cells.append(FigureCell(NONE, None) if model.external else _search_cell(model))
        rows.append(LeaderRow(model.label, model.kind, "", cells))
    main = next((at for at, m in enumerate(metrics) if m.name == benchmark.main_metric), None)
    return Leaderboard(headings, rows, main)


def in_order(benchmark: MeasuredBenchmark, metrics: Sequence[MeasuredMetric]) -> list[MeasuredModel]:
    """Return the models, the best by the main metric first and failed models last."""
    main = next((m for m in metrics if m.name == benchmark.main_metric), None)
    if main is None:
        return sorted(benchmark.models, key=lambda model: model.failed)
    return sorted(benchmark.models, key=lambda model: (model.failed, _rank(main, main.figures.get(model.label))))


def _rank(metric: MeasuredMetric, figure: Figure | None) -> float:
    """Return a number that is small for a good value."""
    if figure is None or figure.value is None:
        return float("inf")
    return figure.value if metric.higher is False else -figure.value


def _help(metric: MeasuredMetric) -> str:
    """Return what the values of a metric mean."""
    way = {True: "higher is better", False: "lower is better", None: "neither high nor low is better"}[metric.higher]
    return f"{metric.name}, mean over queries and seeds; {way}"


def _search_cell(model: MeasuredModel) -> FigureCell:
    """Return the time of the search of a model's settings."""
    search = model.runs[0].tuning
    return FigureCell(format_seconds(search["seconds"]), float(search["seconds"])) if search else FigureCell("", None)


def _metric_cell(figure: Figure) -> FigureCell:
    return FigureCell(format_figure(figure.value), figure.value, format_interval(figure), figure.verdict)


def format_interval(figure: Figure) -> str:
    """Return the interval of a metric; if there is none, the range over the seeds or a dash."""
    if figure.low is not None and figure.high is not None:
        return f"{format_figure(figure.low)} {NONE} {format_figure(figure.high)}"
    if len(figure.seeds) > 1:
        return f"seeds {format_figure(min(figure.seeds))} {NONE} {format_figure(max(figure.seeds))}"
    return "no interval" if figure.value is not None else ""


def interval_bars(benchmark: MeasuredBenchmark, metric: MeasuredMetric) -> list[IntervalBar]:
    """Return the intervals of a metric, the best model first; models without a value are left out."""
    models = sorted(benchmark.ran, key=lambda model: _rank(metric, metric.figures[model.label]))
    figures = [(model, f) for model in models if (f := metric.figures[model.label]).value is not None]
    ends = [end for _, f in figures for end in (f.value, f.low, f.high) if end is not None]
    scale = Scale.of(ends, 0, 100)
    bars = []
    for model, f in figures:
        value = f.value or 0.0
        low, high = (value if end is None else end for end in (f.low, f.high))
        left = scale.at(low)
        bars.append(
            IntervalBar(
                model.label,
                format_figure(value),
                format_interval(f),
                left,
                round(scale.at(high) - left, 1),
                scale.at(value),
                f.verdict,
                model.reference,
            )
        )
    return bars
