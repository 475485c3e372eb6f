"""What is told of a run while it goes on: bars with a note on a terminal, a line now and then elsewhere."""

import io

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from zoo.benchmark.plan import Plan, PlannedRun
from zoo.benchmark.results_folder.row import Row
from zoo.cli.progress_display import SILENCE, Bars, NotedBars


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def shown(*, terminal):
    out = Console(file=io.StringIO(), force_terminal=terminal, width=78, color_system=None, legacy_windows=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return NotedBars(*columns, console=out, auto_refresh=False, disable=not terminal)


def picture(bars):
    """Return the lines that stand on the terminal."""
    out = Console(file=io.StringIO(), width=78, color_system=None)
    for renderable in bars.get_renderables():
        out.print(renderable)
    return [" ".join(line.replace("━", "").replace("╸", "").split()) for line in out.file.getvalue().splitlines()]


def begun(bars, clock):
    told = Bars(bars, clock)
    told.reading()
    told.loaded(8)
    told.started("sasrec", 0, again=False)
    return told


def test_a_bar_has_the_epoch_how_it_goes_and_the_time_it_can_take(clock):
    bars = shown(terminal=True)
    told = begun(bars, clock)
    assert picture(bars) == ["runs 0/8", "sasrec, seed 0: fit 0/?"]
    clock.now = 25.0
    told.phase("fit", 1, 100, "loss 9.000")
    assert picture(bars)[2] == "at most 0:41:15 left, loss 9.000"
    clock.now = 300.0
    told.phase("fit", 12, 100, "loss 7.123, ndcg@10 .0561 (best .0575)")
    assert picture(bars) == [
        "runs 0/8",
        "sasrec, seed 0: fit 12/100",
        "at most 0:36:40 left, loss 7.123, ndcg@10 .0561 (best .0575)",  # 300 s for 12 epochs, 88 to go
    ]
    told.phase("fit", 100, 100)
    assert picture(bars)[1:] == ["sasrec, seed 0: fit 100/100"]
    told.finished(Row("key", "sasrec", 0, {}), resumed=False)
    assert picture(bars) == ["runs 1/8"]


def test_each_fit_and_each_phase_is_timed_from_its_own_start(clock):
    bars = shown(terminal=True)
    told = begun(bars, clock)
    clock.now = 1000.0
    told.phase("fit", 20, 100, "loss 1.000")
    clock.now = 1010.0
    told.phase("fit", 1, 20)  # a second fit, seen after its first epoch
    assert picture(bars)[1:] == ["sasrec, seed 0: fit 1/20", "at most 0:03:10 left"]
    clock.now = 1030.0
    told.phase("fit", 2, 20)
    assert picture(bars)[2] == "at most 0:04:30 left"
    told.phase("recommend", 500, 1000)
    clock.now = 1034.0
    told.phase("recommend", 600, 1000)
    assert picture(bars)[1:] == ["sasrec, seed 0: recommend 600/1000", "at most 0:00:16 left"]


def test_the_time_left_of_a_search_is_no_bound(clock):
    bars = shown(terminal=True)
    told = begun(bars, clock)
    told.phase("tune", 1, 6)
    clock.now = 43.0
    told.phase("tune", 2, 6, "best ndcg@10 0.1000, trial 0")
    assert picture(bars)[2] == "about 0:01:26 left, best ndcg@10 0.1000, trial 0"


SEARCH = {
    "trials": 6, "failed": 1, "pruned": 0, "seconds": 12.3, "budget": {"trials": 6}, "metric": "ndcg@10", "best": 4, "value": 0.25,
    "first_value": 0.2, "params": {"predictor.factors": 115, "predictor.regularization": 0.062312345},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {},
            "6 trials (1 failed) in 12.30 s, ndcg@10 0.2000 (trial 0), best 0.2500 (trial 4): predictor.factors = 115, "
            "predictor.regularization = 0.06231",
        ),
        (
            {"failed": 0, "first_value": None, "params": {f"train.a{n}": n for n in range(7)}},
            "6 trials in 12.30 s, ndcg@10 trial 0 failed, best 0.2500 (trial 4): train.a0 = 0, train.a1 = 1, train.a2 = 2, "
            "train.a3 = 3, train.a4 = 4 and 2 more",
        ),
        (
            {"best": 0, "value": 0.2, "trials": 1, "failed": 0},
            "1 trial in 12.30 s, ndcg@10 0.2000 of trial 0 is the best",
        ),
    ],
)
def test_a_search_is_told_when_it_ends(clock, changes, line):
    bars = shown(terminal=False)
    begun(bars, clock).searched({**SEARCH, **changes})
    assert bars.console.file.getvalue().splitlines()[-1] == f"1/8 sasrec, seed 0: tuned, {line}"


def test_a_training_that_goes_on_is_timed_from_where_it_goes_on(clock):
    bars = shown(terminal=True)
    told = begun(bars, clock)
    told.phase("fit", 12, 100, "goes on after epoch 12", resumed=True)
    assert picture(bars)[2] == "goes on after epoch 12"
    assert bars.console.file.getvalue().split() == [
        "1/8",
        "sasrec,",
        "seed",
        "0:",
        "goes",
        "on",
        "after",
        "epoch",
        "12",
    ]
    clock.now = 10.0
    told.phase("fit", 13, 100)
    assert picture(bars)[2] == "at most 0:14:30 left"


def test_without_a_terminal_a_long_run_is_told_of_now_and_then(clock):
    bars = shown(terminal=False)
    told = begun(bars, clock)
    for epoch in range(1, 101):
        clock.now = 10.0 * epoch
        told.phase("fit", epoch, 100, f"loss {epoch}")
    lines = bars.console.file.getvalue().splitlines()
    assert lines[:2] == ["reading data ...", "1/8 sasrec, seed 0: fit ..."]
    assert len(lines[2:]) == 1000 // SILENCE
    assert lines[2] == "1/8 sasrec, seed 0: fit 3/100 in 0:00:30, at most 0:16:10 left, loss 3"
    told.finished(Row("key", "sasrec", 0, {}, fit_seconds=1000.0), resumed=False)
    assert bars.console.file.getvalue().splitlines()[-1] == "1/8 sasrec, seed 0: fitted in 1000.00 s"


def test_without_a_terminal_nothing_is_told_of_a_short_run_but_its_begin_and_its_end(clock):
    bars = shown(terminal=False)
    told = begun(bars, clock)
    for _ in range(2):
        clock.now += SILENCE - 1
        told.phase("fit", 1, 1)
        told.finished(Row("key", "popular", None, {}, fit_seconds=SILENCE - 1), resumed=False)
        told.started("popular", None, again=False)
    told.finished(Row("key", "sasrec", 3, {}), resumed=True)
    assert bars.console.file.getvalue().splitlines() == [
        "reading data ...",
        "1/8 sasrec, seed 0: fit ...",
        "1/8 popular: fitted in 29.00 s",
        "2/8 popular: fit ...",
        "2/8 popular: fitted in 29.00 s",
        "3/8 popular: fit ...",
        "3/8 sasrec, seed 3: already finished",
    ]


def test_a_time_limit_bounds_the_time_left(clock):
    bars = shown(terminal=True)
    told = begun(bars, clock)
    clock.now = 25.0
    told.phase("fit", 1, 100, "loss 9.000", seconds_left=35.0)
    assert picture(bars)[2] == "at most 0:00:35 left, loss 9.000"  # by the pace, 41 minutes
    clock.now = 26.0
    told.phase("fit", 2, 3, "loss 8.000", seconds_left=34.0)
    assert picture(bars)[2] == "at most 0:00:13 left, loss 8.000"
    told.phase("fit", 1, 9, "resumes after epoch 1", resumed=True, seconds_left=20.0)
    assert picture(bars)[2] == "at most 0:00:20 left, resumes after epoch 1"


def test_a_likely_duration_is_told_as_soon_as_one_is_known(clock):
    bars = shown(terminal=False)
    told = Bars(bars, clock)
    net = {"epochs": 10, "fewest_epochs": 10, "fits": 1, "work": 1.0}
    told.planned(Plan((PlannedRun("popular"), PlannedRun("net", 0, **net), PlannedRun("other", 0, **net))))
    told.started("popular", None, again="")
    clock.now = 1.0
    told.phase("recommend", 1, 1)
    told.finished(Row("key", "popular", None, {}), resumed=False)
    told.started("net", 0, again="")
    clock.now = 3.0  # soon after the last line
    told.phase("fit", 1, 10)
    estimates = [line for line in bars.console.file.getvalue().splitlines() if line.startswith("estimate")]
    assert estimates[-1] == "estimate: about 43 s in all, at least 23 s (not measured yet: other)"
    assert all("at least" in line and "about" not in line for line in estimates[:-1])


def test_the_plan_and_the_estimate_are_shown(clock):
    bars = shown(terminal=False)
    told = Bars(bars, clock)
    told.reading()
    told.loaded(2)
    told.planned(Plan((PlannedRun("net", 0, epochs=3, fewest_epochs=3, fits=1), PlannedRun("popular"))))
    told.started("net", 0, again=False)
    clock.now = 10.0
    told.phase("fit", 1, 3)
    clock.now = 20.0
    told.phase("fit", 2, 3)
    assert bars.console.file.getvalue().splitlines() == [
        "reading data ...",
        "2 runs of 2 models: 2 to do (with seed 0 where a model depends on one)",
        "net: at most 3 epochs",
        "1/2 net, seed 0: fit ...",
        "estimate: at least 30 s in all (not measured yet: popular)",
    ]
    told.waiting("process 7 on shop (since 2026-01-01 10:00:00 UTC)")
    assert (
        bars.console.file.getvalue().splitlines()[-1]
        == "waiting for process 7 on shop (since 2026-01-01 10:00:00 UTC) ..."
    )
