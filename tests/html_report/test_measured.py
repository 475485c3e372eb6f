"""A benchmark as its page reads it: means, intervals and verdicts agree with the table of the terminal."""

import numpy as np
import pytest

from zoo.benchmark.tables.comparison_tables import interval_table, main_table
from zoo.benchmark.tables.mean_figures import mean_over_seeds
from zoo.evaluation.intervals import mean_interval
from zoo.html_report.leaderboard import interval_bars, leaderboard
from zoo.html_report.measured import MeasuredBenchmark


def test_verdicts_and_means_are_those_of_the_table(results):
    benchmark = MeasuredBenchmark.of(results)
    table = main_table(results)
    for metric in benchmark.metrics:
        at = table.headers.index(metric)
        figures = benchmark.measure(metric).figures
        for row in table.rows:
            figure = figures[row[0].text]
            assert (f"{figure.value:.4f}", figure.verdict) == (row[at].text, row[at].verdict)


def test_an_interval_surrounds_the_mean_that_is_shown(results):
    benchmark = MeasuredBenchmark.of(results)
    metric = benchmark.measure("ndcg@5")
    rows = {row.label: row for row in results.rows()}
    one, several = metric.figures["item-knn"], metric.figures["random"]
    assert [one.value, one.low, one.high] == rows["item-knn"].metrics["ndcg@5"]
    assert len(several.seeds) == 3
    lists = [results.lists(row)["ndcg@5"].to_numpy() for row in results.rows() if row.label == "random"]
    assert (several.low, several.high) == pytest.approx(mean_interval(np.mean(lists, axis=0).astype(float)))
    assert several.low < several.value < several.high


def test_all_reports_have_the_same_intervals_each_around_its_value(results):
    benchmark = MeasuredBenchmark.of(results)
    frame = results.to_pandas().set_index("model")
    written = {(row[0].text, row[1].text): [cell.text for cell in row[2:]] for row in interval_table(results).rows}
    for metric in benchmark.metrics:
        for label, figure in benchmark.measure(metric).figures.items():
            columns = frame.loc[label, [metric, f"{metric}_low", f"{metric}_high"]].to_numpy(float)
            ends = [np.nan if end is None else end for end in (figure.value, figure.low, figure.high)]
            assert np.array_equal(columns, ends, equal_nan=True)
            none = "too few hits" if figure.per_query else "–"
            interval = none if figure.low is None else f"{figure.low:.4f} to {figure.high:.4f}"
            assert written[label, metric][:2] == [f"{figure.value:.4f}", interval]
            assert figure.low is None or figure.low <= figure.value <= figure.high
    assert written["random", "coverage@5"][1] == "–"  # the range over the seeds stands beside it
    assert written["item-knn", "coverage@5"][1] != "–"


def test_queries_without_a_value_in_a_seed_are_averaged_over_the_others():
    nan = np.nan
    found = mean_over_seeds([np.array([1.0, nan, nan]), np.array([3.0, 4.0, nan])])
    assert np.array_equal(found, [2.0, 4.0, nan], equal_nan=True)


def test_the_leaderboard_is_sorted_by_the_first_metric_that_has_a_better_side(results):
    benchmark = MeasuredBenchmark.of(results)
    metrics = [benchmark.measure(name) for name in benchmark.metrics]
    board = leaderboard(benchmark, metrics)
    assert benchmark.main_metric == "ndcg@5"
    assert board.sorted_by == 0
    values = [row.cells[0].order for row in board.rows]
    assert values == sorted(values, reverse=True)
    assert [h.title for h in board.headings[:5]] == ["ndcg@5", "hit@5", "coverage@5", "novelty@5", "seeds"]
    assert all(len(row.cells) == len(board.headings) for row in board.rows)


def test_bars_are_on_their_tracks_and_in_order(results):
    benchmark = MeasuredBenchmark.of(results)
    bars = interval_bars(benchmark, benchmark.measure("ndcg@5"))
    assert len(bars) == 4
    assert all(0 <= bar.left <= bar.dot <= bar.left + bar.width + 0.1 <= 100.2 for bar in bars)
    assert [bar.dot for bar in bars] == sorted((bar.dot for bar in bars), reverse=True)
