"""The content of the HTML report: what each section of a benchmark shows, read from its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmark.library_versions import mixed_versions
from zoo.benchmark.results_folder.joined_results import format_joined
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.results_folder.user_sample import read_query_facts, read_sample
from zoo.benchmark.tables.comparison_tables import by_label, main_table
from zoo.benchmark.tables.missing_values import format_missing_values
from zoo.benchmark.tables.report import filled_slots, finding, legend, protocol, settings, tied_lists
from zoo.benchmark.tables.tested_settings import tested_experiment
from zoo.benchmark.tuning.settings import format_mixed_settings
from zoo.config.formatting import format_component
from zoo.data.checks.finding import Finding
from zoo.html_report.charts import Chart
from zoo.html_report.cost import cost_charts
from zoo.html_report.curves import LearningCurves, learning_curves
from zoo.html_report.details import ModelDetails, as_json, model_details
from zoo.html_report.leaderboard import IntervalBar, Leaderboard, in_order, interval_bars, leaderboard
from zoo.html_report.measured import MeasuredBenchmark, MeasuredMetric
from zoo.html_report.overlap import OverlapTable, overlap_table
from zoo.html_report.searches import SearchView, search_views
from zoo.html_report.slices import Division, SliceTable, divisions, slice_tables
from zoo.html_report.users import user_lists

MOST_SLICED = 60
"""The number of models in the tables of slices."""


@dataclass(frozen=True)
class MetricView:
    """What is shown of a metric: its intervals, its charts against cost and its slices."""

    name: str
    bars: Sequence[IntervalBar]
    charts: Sequence[Chart]
    slices: Sequence[SliceTable]


@dataclass(frozen=True)
class BenchmarkPage:
    """The part of the page for one folder.

    Attributes:
        anchor: The beginning of the ids of its elements.
        title: The name of the folder.
        source: The data.
        task: The hash of data, split and evaluation.
        protocol: The evaluation protocol in one sentence.
        settings: The training settings in one sentence.
        finding: The main finding; empty if there is none.
        legend: The legend of the leaderboard.
        warnings: Findings of the checks of the data.
        accepted: Findings that the experiment accepts.
        remarks: What else a reader must know before comparing figures.
        board: The leaderboard.
        views: What is shown of each metric with a better side.
        main: The metric that is shown first; None if there is none.
        sliced_of: The number of models, if the tables of slices leave some out.
        curves: Learning curves.
        searches: The searches of tuned models.
        overlap: The overlap of lists.
        users: The sampled users with their lists.
        without: Why the folder has no slices and users; empty if it has them.
        notes: What was dropped from the data, and other facts about them.
        experiment: The resolved experiment as JSON, with the settings that searches found.
        models: The details of each model.
    """

    anchor: str
    title: str
    source: str
    task: str
    protocol: str
    settings: str
    finding: str
    legend: str
    warnings: Sequence[Finding]
    accepted: Sequence[Finding]
    remarks: Sequence[str]
    board: Leaderboard
    views: Sequence[MetricView]
    main: str | None
    sliced_of: int | None
    curves: Sequence[LearningCurves]
    searches: Sequence[SearchView]
    overlap: OverlapTable | None
    users: Mapping[str, Any] | None
    without: str
    notes: Mapping[str, Any]
    experiment: str
    models: Sequence[ModelDetails]


def benchmark_page(store: Store, anchor: str, *, with_users: bool) -> BenchmarkPage:
    """Read a folder and return its part of the page."""
    benchmark = MeasuredBenchmark.of(store)
    manifest = benchmark.manifest
    facts, sample = read_query_facts(store), read_sample(store) if with_users else None
    divided = [] if facts is None else divisions(facts)
    measured, views = _measure(benchmark, divided)
    models = in_order(benchmark, measured)
    ran = [model for model in models if not model.failed]
    table = main_table(store)
    findings = [Finding(**found) for found in manifest.findings]
    return BenchmarkPage(
        anchor=anchor,
        title=store.title,
        source=format_component(manifest.experiment["data"]["source"]),
        task=manifest.task,
        protocol=protocol(store),
        settings=settings(store),
        finding=finding(store, table),
        legend=legend(store, table, best="★"),
        warnings=[found for found in findings if not found.accepted],
        accepted=[found for found in findings if found.accepted],
        remarks=_remarks(store, benchmark),
        board=leaderboard(benchmark, measured),
        views=views,
        main=benchmark.main_metric,
        sliced_of=len(ran) if len(ran) > MOST_SLICED and divided else None,
        curves=learning_curves(benchmark),
        searches=search_views(benchmark),
        overlap=overlap_table(benchmark, ran),
        users=None if sample is None else user_lists(benchmark, sample, ran),
        without=_missing_facts(store) if facts is None else "",
        notes=manifest.notes,
        experiment=as_json(tested_experiment(store)),
        models=model_details(benchmark, models),
    )


def _measure(
    benchmark: MeasuredBenchmark, divided: Sequence[Division]
) -> tuple[list[MeasuredMetric], list[MetricView]]:
    """Return each metric, and what is shown of those with a better side; values of queries of one metric are in memory at a time."""
    measured, views = [], []
    labels: list[str] = []
    for name in sorted(benchmark.metrics, key=lambda name: name != benchmark.main_metric):
        metric = benchmark.measure(name)
        if name == benchmark.main_metric:
            labels = [model.label for model in in_order(benchmark, [metric]) if not model.failed][:MOST_SLICED]
        if metric.higher is not None:
            bars, charts = interval_bars(benchmark, metric), cost_charts(benchmark, metric)
            views.append(MetricView(name, bars, charts, slice_tables(divided, metric, labels)))
        measured.append(MeasuredMetric(name, metric.higher, metric.figures, {}))
    order = {name: at for at, name in enumerate(benchmark.metrics)}
    return sorted(measured, key=lambda metric: order[metric.name]), views


def _remarks(store: Store, benchmark: MeasuredBenchmark) -> list[str]:
    """Return what a reader must know before comparing figures."""
    rows = store.rows()
    missing = len(benchmark.manifest.runs) - len(rows)
    failed = [model.label for model in benchmark.models if model.failed]
    found: Iterable[str] = (
        format_joined(store),
        f"{missing} of {len(benchmark.manifest.runs)} runs are not finished yet." if missing else "",
        f"Failed: {', '.join(failed)}; see the details of the models." if failed else "",
        format_mixed_settings(by_label(rows)),
        *format_missing_values(store),
        tied_lists(rows),
        filled_slots(rows),
        mixed_versions(rows),
    )
    return [remark for remark in found if remark]


def _missing_facts(store: Store) -> str:
    """Return why there is no slice and no user."""
    if store.manifest().experiment.get("task", "recommend") != "recommend":
        return ""
    return (
        "The folder has no facts about the queries, so there are no slices and no users here. Run the benchmark again with this "
        "version: it keeps the finished runs and adds the facts."
    )
