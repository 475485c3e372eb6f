"""The Pareto front of quality against cost."""

from hypothesis import given
from hypothesis import strategies as st

from zoo.html_report.cost import cost_charts, pareto_front
from zoo.html_report.measured import MeasuredBenchmark

POINTS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12)


@given(POINTS, st.booleans())
def test_the_front_has_the_points_that_no_other_beats(points, higher):
    costs, values = [float(c) for c, _ in points], [float(v) for _, v in points]
    good = values if higher else [-v for v in values]

    def beaten(at):
        return any(
            costs[o] <= costs[at] and good[o] >= good[at] and (costs[o] < costs[at] or good[o] > good[at])
            for o in range(len(points))
        )

    front = pareto_front(costs, values, higher=higher)
    assert {(costs[at], values[at]) for at in front} == {
        (costs[at], values[at]) for at in range(len(points)) if not beaten(at)
    }
    assert costs == sorted(costs) or [costs[at] for at in front] == sorted(costs[at] for at in front)
    assert len({(costs[at], values[at]) for at in front}) == len(front)


def test_there_is_a_chart_for_each_cost_and_its_title_names_the_front(results):
    benchmark = MeasuredBenchmark.of(results)
    charts = cost_charts(benchmark, benchmark.measure("ndcg@5"))
    assert [chart.x_label for chart in charts] == ["time to fit", "latency of a query (median)", "peak memory"]
    for chart in charts:
        names = [point.name for point in chart.points if point.front]
        assert all(name in chart.title.partition("Not beaten in both: ")[2] for name in names)
        assert len(chart.points) == 4
