"""The journal of a search: a line for each finished trial, resumed and repaired."""

import pytest

pytest.importorskip("optuna", reason="optuna is not installed")

from zoo.benchmark.tuning.history import History
from zoo.benchmark.tuning.trial import Trial, best_trial
from zoo.config.load import experiment_from
from zoo.errors import ResultsError


@pytest.fixture(scope="module")
def space():
    raw = {
        "data": {"source": "synthetic-shop"},
        "model": [{"predictor": "gru4rec", "featurizer": "tf-idf"}],
        "tune": {"trials": 3},
    }
    return experiment_from(raw).models[0].tuning.space


def opened(file, space, seed=0):
    return History(file, space, seed=seed, higher_is_better=True)


def value_of(point):
    return point["predictor.dim"] - 1000 * (point["train.learning_rate"] or 0.001) ** 2


def curve_of(point, epochs):
    return tuple((epoch, value_of(point) * epoch / 6) for epoch in range(1, epochs + 1))


def run(history, until, value_of=value_of):
    """Finish trials: each fifth fails; others are pruned after three epochs of six, and have the curve of these."""
    while (number := len(history.trials())) < until:
        point = history.ask()
        if number % 5 == 4:
            history.tell(Trial(number, point, "failed", None, 0.5, "no"))
        elif number % 5 == 2:
            history.tell(Trial(number, point, "pruned", None, 0.2, curve=curve_of(point, 3)))
        else:
            history.tell(Trial(number, point, "complete", value_of(point), 0.5, curve=curve_of(point, 6)))
    return history.trials()


def test_a_history_that_is_opened_again_continues_in_the_same_way(tmp_path, space):
    whole = run(opened(tmp_path / "whole.log", space), 16)
    for number in range(1, 17):  # a new object for each trial, as after a kill
        again = run(opened(tmp_path / "parts.log", space), number)
    assert again == whole
    assert [trial.number for trial in whole] == list(range(16))
    assert whole[4].error == "no"
    assert len({str(trial.params) for trial in whole}) == 16


def test_asking_leaves_nothing_in_the_journal(tmp_path, space):
    history = run_once = opened(tmp_path / "journal.log", space)
    run(run_once, 2)
    before = (tmp_path / "journal.log").read_bytes()
    assert history.ask() == history.ask()
    assert (tmp_path / "journal.log").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "journal.log"]


def test_a_line_that_a_killed_process_did_not_finish_is_dropped(tmp_path, space):
    file = tmp_path / "journal.log"
    run(opened(file, space), 3)
    content = file.read_bytes()
    last = content[:-1].rfind(b"\n") + 1
    for cut in (last + 1, last + 40, len(content) - 1):
        file.write_bytes(content[:cut])
        assert len(opened(file, space).trials()) == 2
        assert run(opened(file, space), 3) == run(opened(tmp_path / "other.log", space), 3)


def test_a_damaged_journal_is_refused_with_its_name(tmp_path, space):
    file = tmp_path / "journal.log"
    run(opened(file, space), 3)
    lines = file.read_bytes().splitlines(keepends=True)
    for damaged in (b"{]\n", b'{"op_code": 99}\n', b"7\n"):
        file.write_bytes(b"".join([*lines[:1], damaged, *lines[2:]]))
        with pytest.raises(ResultsError) as error:
            opened(file, space).trials()
        assert str(error.value).startswith(f"{file} cannot be read: ")
        assert str(error.value).endswith("Remove the file to repeat the search.")


def test_optuna_reads_the_journal(tmp_path, space):
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    trials = run(opened(tmp_path / "journal.log", space), 4)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(
        study_name="search", storage=JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    )
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert study.trials[2].intermediate_values == dict(trials[2].curve)
    assert study.best_value == max(trial.value for trial in trials if trial.value is not None)
    assert study.best_params["predictor.dim"] == str(
        next(t for t in trials if t.value == study.best_value).params["predictor.dim"]
    )


def test_the_direction_decides_which_trial_is_the_best_and_the_first_of_several_is():
    trials = [Trial(n, {}, "complete", value, 1.0) for n, value in enumerate([0.5, 0.9, 0.1, 0.9, 0.1])]
    trials.append(Trial(5, {}, "failed", None, 1.0, "no"))
    trials.append(Trial(6, {}, "pruned", None, 1.0, curve=((1, 0.95), (2, 0.01))))  # better for a while, or worse
    assert best_trial(trials, higher_is_better=True).number == 1
    assert best_trial(trials, higher_is_better=False).number == 2
    assert best_trial(trials[-2:], higher_is_better=True) is None


def test_the_next_point_depends_on_the_curves_of_pruned_trials(tmp_path, space):
    asked = []
    for name, better in (("one.log", 1.0), ("other.log", -1.0)):
        history = opened(tmp_path / name, space)
        for number in range(16):
            point = history.ask() if number < 10 else {**history.ask(), "train.learning_rate": 0.001 + number / 10_000}
            curve = ((1, better * value_of(point)),)
            history.tell(
                Trial(number, point, "pruned" if number else "complete", None if number else 0.5, 0.2, curve=curve)
            )
        asked.append(history.ask())
    assert asked[0] != asked[1]


def test_a_metric_of_which_less_is_better_is_searched_like_its_negative(tmp_path, space):
    """The curves are those of early stopping, whose metric is better if it is higher, in both searches."""
    found = []
    for name, sign in (("more.log", 1.0), ("less.log", -1.0)):
        history = History(tmp_path / name, space, seed=0, higher_is_better=sign > 0)
        found.append([trial.params for trial in run(history, 20, lambda point, sign=sign: sign * value_of(point))])
    assert found[0] == found[1]
