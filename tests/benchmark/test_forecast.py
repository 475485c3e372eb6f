"""The plan of a benchmark, and the arithmetic of its estimate with times that a test sets."""

import json
from pathlib import Path

import pytest

import zoo
from zoo.benchmark.forecast import Estimate, Forecast
from zoo.benchmark.plan import Plan, PlannedRun
from zoo.benchmark.progress import Progress
from zoo.config.load import load_experiment
from zoo.data_size import DataSize

NET = {"epochs": 100, "fewest_epochs": 11, "fits": 2, "patience": 10}


def forecast(*runs):
    """Return the forecast of runs that began at 0; reading the data took 10 seconds, then the first run began."""
    found = Forecast(Plan(runs), 0.0)
    found.started(runs[0].label, runs[0].seed, 10.0)
    return found


def test_there_is_no_estimate_before_the_first_epoch():
    found = forecast(PlannedRun("net", 0, **NET))
    assert found.estimate(11.0) is None
    found.phase("fit", 3, 100, 12.0, resumed=True)
    assert found.estimate(13.0) is None


def test_a_network_takes_between_the_fewest_epochs_and_all_of_them_twice():
    found = forecast(PlannedRun("net", 0, **NET))
    found.phase("fit", 1, 100, 14.0)  # 4 s an epoch
    estimate = found.estimate(14.0)
    assert estimate.low == 14 + 10 * 4 + 4  # patience ends it after 11 epochs, and the first was the best
    assert estimate.high == 14 + 99 * 4 + 100 * 4
    assert estimate.likely == 14 + 79 * 4 + 70 * 4  # it ends at four fifths, ten validations after the best epoch
    assert str(estimate) == "about 10 min in all, 58 s to 14 min (14 min if net trains all 100 epochs)"
    found.phase("fit", 20, 100, 90.0)
    assert found.estimate(90.0).low == 90 + 4  # it may end now
    found.phase("fit", 1, 15, 94.0)  # the refit: the number of its epochs is known
    estimate = found.estimate(94.0)
    assert (estimate.low, estimate.high) == (94 + 14 * 4, 94 + 14 * 4)
    assert str(estimate) == "about 2 min in all"


def test_without_early_stopping_all_epochs_are_trained():
    found = forecast(PlannedRun("net", 0, epochs=3, fewest_epochs=3, fits=1))
    found.phase("fit", 1, 3, 30.0)
    assert (found.estimate(30.0).low, found.estimate(30.0).high) == (70.0, 70.0)


def test_a_time_limit_bounds_each_training():
    found = forecast(PlannedRun("net", 0, **{**NET, "time_limit": 60.0}))
    found.phase("fit", 1, 100, 20.0, seconds_left=50.0)  # 10 s an epoch
    estimate = found.estimate(20.0)
    assert (estimate.low, estimate.high) == (20 + 50 + 10, 20 + 50 + 60)


def test_a_resumed_training_has_the_pace_of_this_process():
    found = forecast(PlannedRun("net", 0, epochs=10, fewest_epochs=10, fits=1))
    found.phase("fit", 6, 10, 12.0, resumed=True)
    found.phase("fit", 7, 10, 15.0)
    assert found.estimate(15.0).high == 15 + 3 * 3


def test_a_resumed_search_has_the_pace_of_this_process():
    found = forecast(PlannedRun("als", 0, search="30 trials for ndcg@10", trials=30))
    found.phase("tune", 10, 30, 10.0, resumed=True)
    assert found.estimate(10.0) is None
    found.phase("tune", 11, 30, 110.0)  # 100 s a trial
    assert found.estimate(110.0).low == 110 + 19 * 100 + 100


def test_a_search_counts_once_and_the_fit_after_it_like_a_trial():
    found = forecast(*[PlannedRun("als", seed, search="3 trials for ndcg@10") for seed in (0, 1)])
    found.phase("tune", 1, 3, 14.0)  # 4 s a trial
    assert found.estimate(14.0).low == 14 + 2 * 4 + 2 * 4
    found.phase("tune", 3, 3, 22.0)
    found.phase("recommend", 10, 10, 25.0)
    found.finished(25.0)
    assert found.estimate(25.0).low == 25 + 3  # the other seed shares the search


def test_other_seeds_take_as_long_as_the_first():
    runs = [PlannedRun("net", seed, epochs=2, fewest_epochs=2, fits=1) for seed in (0, 1, 2)]
    found = forecast(*runs)
    found.phase("fit", 1, 2, 15.0)
    assert found.estimate(15.0).low == 20 + 2 * 10
    found.phase("fit", 2, 2, 20.0)
    found.phase("recommend", 5, 10, 22.0)
    assert found.estimate(22.0).low == 24 + 2 * 14
    found.finished(25.0)  # metrics took a second
    found.started("net", 1, 25.0)
    found.phase("fit", 1, 2, 30.0)
    estimate = found.estimate(30.0)
    assert estimate.low == estimate.high == 30 + 5 + 5 + 15


def test_models_without_a_measurement_are_named_and_the_estimate_is_a_lower_bound():
    runs = [PlannedRun(name) for name in ("popular", "als", "ease", "item-knn", "random")]
    found = forecast(*runs)
    found.phase("recommend", 1, 4, 11.0)
    assert found.estimate(11.0) == Estimate(14.0, None, None, ("als", "ease", "item-knn", "random"))
    assert str(found.estimate(11.0)) == "at least 14 s in all (not measured yet: als, ease, item-knn and 1 more)"
    found.finished(15.0)
    found.started("als", None, 15.0)
    found.phase("fit", 1, 15, 16.0)
    estimate = found.estimate(16.0)  # each evaluation takes the 5 s of the first
    assert (estimate.low, estimate.high) == (16 + 14 + 5 + 3 * 5, None)
    assert estimate.unknown == ("ease", "item-knn", "random")


def test_finished_runs_of_the_folder_count_for_other_seeds():
    found = forecast(PlannedRun("popular"), PlannedRun("net", 0, seconds=100.0, **NET), PlannedRun("net", 1, **NET))
    found.phase("recommend", 1, 2, 11.0)
    assert found.estimate(11.0) == Estimate(112.0, 112.0, 112.0)


def test_with_the_default_number_of_epochs_patience_says_what_is_likely():
    found = forecast(PlannedRun("net", 0, **NET, more_on_small_data=True))
    found.phase("fit", 1, 100, 14.0)
    assert found.estimate(14.0).likely == 14 + (33 - 1) * 4 + (33 - 10) * 4  # three times the fewest epochs
    small = forecast(PlannedRun("net", 0, **NET, more_on_small_data=True, more_patience_on_small_data=True))
    small.phase("fit", 1, 200, 14.0)  # the data chose 200 epochs, and a patience of 20
    assert small.estimate(14.0).likely == 14 + (63 - 1) * 4 + (63 - 10) * 4


def test_networks_that_have_not_begun_are_guessed_by_the_work_of_an_epoch():
    runs = [PlannedRun("small", 0, work=1e9, **NET), PlannedRun("large", 0, work=3e9, **NET)]
    found = forecast(*runs)
    found.phase("fit", 1, 100, 14.0)  # 4 s an epoch, so 12 s of the other network
    estimate = found.estimate(14.0)
    assert (estimate.likely, estimate.high) == (14 + (79 + 70) * 4 + (80 + 70) * 12, None)
    assert str(estimate) == "about 40 min in all, at least 58 s (not measured yet: large)"


def test_models_without_epochs_are_guessed_beside_networks():
    runs = [PlannedRun(name) for name in ("popular", "als")]
    found = forecast(*runs[:1], PlannedRun("net", 0, work=1e9, epochs=10, fits=1), runs[1])
    found.phase("recommend", 1, 1, 14.0)
    found.finished(14.0)
    assert found.estimate(14.0).likely is None
    found.started("net", 0, 14.0)
    found.phase("fit", 1, 10, 15.0)
    assert found.estimate(15.0).likely == 15 + 9 + 4 + 4  # each evaluation takes the 4 s of the first


def test_a_network_without_a_count_of_work_is_not_guessed():
    found = forecast(PlannedRun("net", 0, work=1e9, **NET), PlannedRun("other", 0, **NET))
    found.phase("fit", 1, 100, 14.0)
    assert found.estimate(14.0).likely is None


def test_a_budget_of_a_search_is_known_before_it_begins():
    search = {"search": "10 minutes for ndcg@10", "minutes": 10.0}
    runs = [PlannedRun("net", seed, work=1e9, **NET) for seed in (0,)]
    found = forecast(*runs, *[PlannedRun("tuned", seed, work=1e9, **NET, **search) for seed in (0, 1)])
    found.phase("fit", 1, 100, 14.0)
    assert found.estimate(14.0).likely == 14 + 149 * 4 + 600 + 2 * 150 * 4  # the seeds share a search
    found.finished(300.0)
    found.started("tuned", 0, 300.0)
    found.phase("tune", 100, 600, 400.0)
    assert found.estimate(400.0).likely == 400 + 500 + 2 * (150 * 4 + 286)


def test_the_whole_of_an_example_is_known_within_a_factor_of_two_after_an_epoch(monkeypatch):
    """The recorded runs of examples/sequential.toml, where each network has another architecture."""
    root = Path(__file__).parents[2]
    monkeypatch.setenv("ZOO_DATA", "data")
    rows = {}
    for row in map(json.loads, (root / "docs" / "results" / "amazon-beauty.jsonl").read_text().splitlines()):
        if row["training"] and not row["config"]["train"]["refit"]:
            rows.setdefault(row["label"], row)
    size, rules = DataSize(22_363, 12_101, 176_139), {"refit": False, "validates": True}
    models = [m for m in load_experiment(root / "examples" / "sequential.toml").models if m.label in rows]
    runs = [PlannedRun.of(model, 0, None, size=size, **rules) for model in models]
    assert len(runs) == 9
    truth, now = sum(rows[run.label]["fit_seconds"] for run in runs), 0.0
    found = Forecast(Plan(tuple(runs)), 0.0)
    for run in runs:
        row = rows[run.label]
        first = row["training"]["history"][0]
        found.started(run.label, 0, now)
        found.phase("fit", first["epoch"], run.epochs, now + first["seconds"])
        assert truth / 2 < found.estimate(now + first["seconds"]).likely < 2 * truth
        now += row["fit_seconds"]
        found.finished(now)


def test_a_model_whose_number_of_trainings_is_unknown_has_no_upper_bound():
    found = forecast(PlannedRun("ranked", 0, epochs=4, fewest_epochs=4, fits=None))
    found.phase("fit", 1, 4, 12.0)
    assert found.estimate(12.0) == Estimate(18.0, None, 18.0, ("ranked",))


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (89, "89 s"), (600, "10 min"), (7200, "2:00 h"), (100_000, "1 day, 3:47 h")]
)
def test_durations_are_for_people(seconds, text):
    assert str(Estimate(seconds, seconds)) == f"about {text} in all"


class Planned(Progress):
    def planned(self, plan):
        self.plan = plan


CONFIG = {
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
    "split": {"cuts": [0.7, 0.85]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "train": {"seeds": [1, 2], "max_epochs": 1},
    "model": [{"predictor": "popular"}, {"label": "net", "predictor": {"name": "bpr-mf", "dim": 4}}],
}


def test_a_benchmark_tells_its_plan(tmp_path):
    seen = Planned()
    zoo.bench(CONFIG, tmp_path, progress=seen)
    assert seen.plan.lines() == [
        "3 runs of 2 models: 3 to do (with seed 1, 2 where a model depends on one)",
        "net: at most 1 epoch; then trained again on all events before the test part",
    ]
    more = {
        **CONFIG,
        "model": [
            *CONFIG["model"],
            {**CONFIG["model"][1], "label": "long", "train": {"max_epochs": 3, "time_limit": 1.5, "patience": 1}},
        ],
    }
    zoo.bench({**more, "train": {"seeds": [1], "max_epochs": 1}}, tmp_path, progress=seen)
    assert seen.plan.lines() == [
        "3 runs of 3 models: 2 finished, 1 to do (with seed 1 where a model depends on one)",
        "long: at most 3 epochs and 1.5 minutes, fewer after 1 validation without improvement; then trained again on all events before the test part",
    ]
    assert all(run.seconds > 0 for run in seen.plan.runs[:2])


def test_a_plan_without_validation_trains_all_epochs(tmp_path):
    seen = Planned()
    zoo.bench({**CONFIG, "split": {"cuts": [0.8]}}, tmp_path, progress=seen)
    assert seen.plan.lines()[1] == "net: at most 1 epoch"
    assert [run.fits for run in seen.plan.runs] == [0, 1, 1]


def test_between_two_runs_the_evaluation_of_the_first_is_the_lower_bound_of_the_others():
    found = forecast(PlannedRun("popular"), PlannedRun("als"), PlannedRun("ease"))
    found.phase("recommend", 1, 1, 12.0)
    found.finished(15.0)
    assert found.estimate(15.0) == Estimate(25.0, None, None, ("als", "ease"))


def test_a_plan_says_that_small_data_may_choose_more_epochs():
    run = PlannedRun("net", 0, epochs=100, fewest_epochs=11, fits=1, patience=10, more_on_small_data=True)
    (_, line) = Plan((run,)).lines()
    assert line == "net: at most 100 epochs (more on small data), fewer after 10 validations without improvement"
