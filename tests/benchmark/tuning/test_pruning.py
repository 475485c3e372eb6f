"""Pruned trials: which curves are too poor, and what a search with them has."""

import json
import pickle

import pytest

import zoo
from zoo.benchmark.progress import Progress
from zoo.config.load import experiment_from

pytest.importorskip("optuna", reason="optuna is not installed")

from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.tuning import search as searching
from zoo.benchmark.tuning.pruning import STARTUP_TRIALS, WARMUP_VALIDATIONS, CurvePruner
from zoo.benchmark.tuning.trial import Measured, Trial

SHOP = {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500}


def complete(values, number=0, state="complete"):
    return Trial(number, {}, state, values[-1], 1.0, curve=tuple(enumerate(values, 1)))


def rising(last, epochs=8):
    return [last * epoch / epochs for epoch in range(1, epochs + 1)]


HISTORY = [complete(rising(last)) for last in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
POOR, GOOD = rising(0.2), rising(0.5)


def first_end(pruner, values):
    """Return the validation after which a curve is pruned; None if it never is."""
    return next((n for n in range(1, len(values) + 1) if pruner(values[:n])), None)


def test_a_curve_below_the_median_ends_after_the_first_validations():
    pruner = CurvePruner.of(HISTORY)
    assert first_end(pruner, POOR) == WARMUP_VALIDATIONS
    assert first_end(pruner, GOOD) is None
    assert first_end(pruner, [0.32, *POOR[1:]]) == 8  # the best value so far counts: the median is .306, then .35
    assert first_end(pruner, [*POOR[:2], *GOOD[2:]]) is None


def test_a_trial_that_early_stopping_ended_keeps_its_best_value():
    """Four of five trials ended at .3, so a later curve above them is not poor, although a longer trial is above it."""
    short = [complete([*rising(0.3), *[0.2] * 2]) for _ in range(4)]
    pruner = CurvePruner.of([*short, complete(rising(0.9, 40))])
    assert first_end(pruner, [*rising(0.31), *[0.31] * 10]) is None
    assert first_end(pruner, [*rising(0.29), *[0.29] * 10]) == WARMUP_VALIDATIONS


def test_a_validation_without_a_value_counts_on_neither_side():
    without = [*POOR[:1], float("nan"), *POOR[1:]]
    assert first_end(CurvePruner.of(HISTORY), without) == WARMUP_VALIDATIONS + 1
    assert CurvePruner.of([*HISTORY[:-1], complete([float("nan"), *rising(0.6)])]) == CurvePruner.of(HISTORY)


def test_the_median_of_few_trials_prunes_nothing():
    few = HISTORY[-STARTUP_TRIALS + 1 :]
    others = [complete(GOOD, state="repeated"), Trial(9, {}, "failed", None, 1.0), Trial(9, {}, "pruned", None, 1.0)]
    assert first_end(CurvePruner.of([*few, *others]), POOR) is None
    assert first_end(CurvePruner.of([*few, *others, HISTORY[0]]), POOR) == WARMUP_VALIDATIONS


def test_a_pruner_is_a_function_of_trials_and_values_that_other_processes_have():
    pruner = CurvePruner.of(HISTORY)
    again = pickle.loads(pickle.dumps(pruner))
    assert again == pruner
    assert [first_end(again, values) for values in (POOR, GOOD)] == [first_end(pruner, v) for v in (POOR, GOOD)]


def experiment(trials=10, **tune):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
        "train": {"max_epochs": 6, "refit": False, "monitor": "ndcg@5"},
        "model": [{"predictor": {"name": "gru4rec", "dim": 8, "length": 5}}],
        "tune": {"trials": trials, **tune},
    }


def trials(folder):
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return the folders of a search with pruning and of one without."""
    parent = tmp_path_factory.mktemp("pruned")
    return [zoo.bench(experiment(prune=prune), parent / str(prune)) for prune in (True, False)]


def test_a_pruned_trial_has_a_curve_and_no_value_and_is_never_the_best(searched):
    store, _ = searched
    found, (row,) = trials(store.folder), [row for row in store.rows() if row.label == "gru4rec"]
    pruned = [trial for trial in found if trial["state"] == "pruned"]
    assert row.tuning["pruned"] == len(pruned) > 0
    assert row.tuning["trials"] == len(found) == 10
    for trial in pruned:
        assert trial["value"] is trial["error"] is None
        assert WARMUP_VALIDATIONS <= len(trial["curve"]) < 6
        assert trial["seconds"] > 0
    assert found[row.tuning["best"]]["state"] == "complete"
    assert all(trial["state"] == "complete" for trial in found[:STARTUP_TRIALS])
    assert [len(trial["curve"]) for trial in found[:STARTUP_TRIALS]] == [6] * STARTUP_TRIALS


def test_a_search_without_pruning_has_the_same_trials_until_the_first_is_pruned(searched):
    pruned, whole = (trials(store.folder) for store in searched)
    assert {trial["state"] for trial in whole} <= {"complete", "repeated"}
    first = next(trial["number"] for trial in pruned if trial["state"] == "pruned")
    assert [(t["params"], t["curve"]) for t in pruned[:first]] == [(t["params"], t["curve"]) for t in whole[:first]]
    curve = pruned[first]["curve"]
    assert curve == whole[first]["curve"][: len(curve)]
    assert pruned[0]["search"] != whole[0]["search"]


def test_reports_count_and_mark_pruned_trials(searched):
    store, _ = searched
    (row,) = [row for row in store.rows() if row.label == "gru4rec"]
    report = (store.folder / "report.md").read_text()
    (line,) = [line for line in report.splitlines() if line.startswith("| model | metric | trials")]
    assert "failed | pruned | search s" in line
    page = zoo.report(store).read_text(encoding="utf-8")
    assert f"{row.tuning['pruned']} of them pruned" in page
    assert page.count('class="point cross"') == row.tuning["pruned"]


class Widths:
    """Trials whose curve rises to a value that depends on the width of the network alone, and what they were asked."""

    higher_is_better = True

    def __init__(self, value_of):
        self.value_of, self.measured, self.pruners = value_of, [], []

    def measure(self, model, seed, *, folder, clock, cache, prune):
        width = model.predictor.params.dim
        self.measured.append(width)
        self.pruners.append(prune)
        values = rising(self.value_of(width))
        ended = prune and first_end(prune, values[:-1])
        curve = tuple(enumerate(values[:ended], 1))
        return Measured(None if ended else values[-1], curve)


def width_model(widths, trials, **tune):
    """Return `gru4rec` of the first width, of which the others are searched, and nothing else."""
    raw = experiment(trials, **tune)
    model = {"predictor": {"name": "gru4rec", "dim": widths[0]}}
    others = experiment_from(raw | {"model": [model]}).models[0].tuning.space.spaces
    own = {"predictor": {"dim": widths}}
    for name in others:
        part, _, parameter = name.partition(".")
        own.setdefault(part, {})[parameter] = False
    return experiment_from(raw | {"model": [{**model, "tune": own}]}).models[0]


def search(model, task, folder, progress):
    return searching.search(model, task, seed=0, folder=folder, progress=progress, cache=FitCache(folder / "features"))


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def phase(self, name, done, total, note="", **more):
        self.notes.append(note)


WIDTHS = [8, *range(16, 200, 8)]


def test_trial_0_is_never_pruned_and_no_better_setting_is_lost(tmp_path):
    task = Widths(lambda width: width / 1000)
    found = search(width_model(WIDTHS, 24), task, tmp_path, (notes := Notes()))
    assert task.pruners[0] is None
    assert found.trials[0].state == "complete"  # though it is the worst
    assert None not in task.pruners[1:]
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert found.as_json()["pruned"] == len(pruned) > 0
    assert notes.notes[-1] == (f"best ndcg@5 {found.best.value:.4f}, trial {found.best.number}; {len(pruned)} pruned")
    assert max(task.measured) / 1000 == found.best.value


def test_without_pruning_no_trial_is_asked(tmp_path):
    task = Widths(lambda width: width / 1000)
    found = search(width_model(WIDTHS, 8, prune=False), task, tmp_path, Notes())
    assert set(task.pruners) == {None}
    assert found.as_json()["pruned"] == 0


def test_a_search_that_is_interrupted_before_any_trial_has_the_same_trials(tmp_path):
    model, task = width_model(WIDTHS, 14), Widths(lambda width: width / 1000)
    whole = search(model, task, tmp_path / "whole", Notes())
    for trials in range(1, 15):  # each goes on from the journal alone
        again = Widths(task.value_of)
        parts = search(width_model(WIDTHS, trials), again, tmp_path / "parts", Notes())
        assert len(again.measured) <= 1
    assert [(t.params, t.state, t.value, t.curve) for t in parts.trials] == [
        (t.params, t.state, t.value, t.curve) for t in whole.trials
    ]
    assert "pruned" in {trial.state for trial in whole.trials}


def test_settings_that_were_pruned_are_not_fitted_again(tmp_path):
    class Narrow(Widths):
        def measure(self, model, seed, **more):
            found = super().measure(model, seed, **more)
            return Measured(None, found.curve[:3]) if model.predictor.params.dim == 16 else found

    task = Narrow(lambda width: width / 1000)
    found = search(width_model([8, 16], 100), task, tmp_path, Notes())
    assert sorted(task.measured) == [8, 16]
    pruned = [trial for trial in found.trials if trial.params == {"predictor.dim": 16}]
    assert [trial.state for trial in pruned] == ["pruned", *["repeated"] * (len(pruned) - 1)]
    assert {trial.value for trial in pruned} == {None}
    assert {trial.curve for trial in pruned} == {pruned[0].curve}
    assert found.as_json()["pruned"] == 1
    assert found.best.params == {"predictor.dim": 8}
