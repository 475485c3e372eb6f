"""The number of threads is part of a run, and what is promised about bits over thread counts holds."""

import shutil
from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
import torch

import zoo
from zoo.artifacts.fit_artifact import fit
from zoo.benchmark import fit_model
from zoo.benchmark.progress import Progress
from zoo.config.load import experiment_from
from zoo.data.task import load_task

SHOP = {"name": "synthetic-shop", "customers": 60, "items": 60, "events": 1500}
CONFIG = {
    "data": {"source": SHOP},
    "split": {"cuts": [0.7, 0.85]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "model": [{"predictor": "popular"}, {"predictor": "transition-graph"}],
}


@contextmanager
def threads(count):
    """Use a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Seen(Progress):
    def __init__(self):
        self.notes, self.finished_runs = [], []

    def differs(self, note):
        self.notes.append(note)

    def finished(self, row, *, resumed):
        self.finished_runs.append((row.label, resumed))


def bench(out, count=None, **more):
    """Run the benchmark, and return the difference that it named and which of its runs were resumed."""
    seen = Seen()
    with threads(count or torch.get_num_threads()):
        zoo.bench(CONFIG, out, progress=seen, **more)
    return seen.notes, [resumed for _, resumed in seen.finished_runs]


def test_a_folder_that_is_resumed_with_another_number_of_threads_names_the_difference(tmp_path):
    out = tmp_path / "out"
    assert bench(out, 3) == ([""], [False, False])
    assert bench(out, 3) == ([""], [True, True])
    assert bench(out, 2) == (
        [
            f"{out} has 2 runs that were measured with 3 threads (--set train.threads=3 keeps them); this process uses 2 threads and "
            "measures them again."
        ],
        [False, False],
    )
    assert bench(out, 2) == ([""], [True, True])
    assert bench(out, 1, overrides=["train.threads=3"]) == ([""], [True, True])
    assert bench(out, 1, overrides=["train.threads=2"]) == ([""], [True, True])


class Interrupting(Seen):
    def phase(self, name, done, total, note="", **more):
        if done == 2:  # the checkpoint of the first epoch is written
            raise KeyboardInterrupt


@pytest.mark.robust
def test_a_fit_that_is_resumed_with_another_number_of_threads_names_the_difference(tmp_path):
    config = {**CONFIG, "train": {"max_epochs": 4}, "model": [{"predictor": {"name": "sasrec", "dim": 8}}]}
    with threads(3), pytest.raises(KeyboardInterrupt):
        zoo.fit(config, out=tmp_path / "model", progress=Interrupting())
    assert (tmp_path / "model.training").exists()
    shutil.copytree(tmp_path / "model.training", tmp_path / "again.training")
    seen = Seen()
    with threads(2):
        zoo.fit(config, out=tmp_path / "model", progress=seen)
    assert seen.notes == [
        f"{tmp_path / 'model.training'} has a training that began with 3 threads; this process uses 2 threads and begins anew "
        "(--set train.threads=3 resumes it)."
    ]
    seen = Seen()
    with threads(3):
        zoo.fit(config, out=tmp_path / "again", progress=seen)
    assert seen.notes == [""]


def test_the_sources_are_hashed_once_to_look_for_a_training_with_another_number_of_threads(tmp_path, monkeypatch):
    calls, sources_of = [], fit_model.sources_of

    def count(*parts, **more):
        calls.append(parts)
        return sources_of(*parts, **more)

    monkeypatch.setattr(fit_model, "sources_of", count)
    (tmp_path / "model.training" / "of another fit").mkdir(parents=True)
    zoo.fit(CONFIG, "popular", out=tmp_path / "model")
    assert len(calls) == 1


TEXT = {"name": "tf-idf", "columns": ["title"]}
EQUAL = {
    "random": {"predictor": "random"},
    "popular": {"predictor": "popular"},
    "personal-popular": {"predictor": "personal-popular"},
    "transition-graph": {"predictor": "transition-graph"},
    "item-knn": {"predictor": "item-knn"},
    "content-knn": {"predictor": "content-knn", "featurizer": TEXT},
    "mmr": {"predictor": "popular", "featurizer": TEXT, "rankers": ["mmr"]},
    "lambdamart": {"predictor": "popular", "rankers": [{"name": "lambdamart", "trees": 5}]},
}
"""The models of which the documentation promises the same bits for every number of threads."""
CLOSE = {
    "ease": {"predictor": "ease"},
    "als": {"predictor": {"name": "als", "factors": 8}},
    "item-item-mf": {"predictor": "item-item-mf"},
    "bpr-mf": {"predictor": {"name": "bpr-mf", "dim": 8}},
    "sasrec": {"predictor": {"name": "sasrec", "dim": 8}},
    "neural-ranker": {"predictor": "popular", "rankers": ["neural-ranker"], "ranker_train": {"max_epochs": 1}},
}
"""Models of which it does not."""
LARGER = {"name": "synthetic-shop", "customers": 500, "items": 700, "events": 12000}


@pytest.fixture(scope="module")
def larger():
    """Return an experiment with all models, on data above the sizes from which torch divides the work, and its task."""
    models = [{"label": label, **model} for label, model in {**EQUAL, **CLOSE}.items()]
    experiment = experiment_from({
        "data": {"source": LARGER}, "split": {"cuts": [0.6, 0.75, 0.85]},
        "evaluate": {"metrics": ["ndcg@10"], "bootstrap": 100}, "train": {"max_epochs": 1}, "model": models,
    })  # fmt: skip
    return experiment, load_task(experiment)


def results(larger, label, count):
    """Return items and scores of all test queries, fitted and answered with a number of threads."""
    experiment, task = larger
    [model] = [model for model in experiment.models if model.label == label]
    with threads(count):
        artifact = fit(experiment, model, task=task)
        found = artifact.pipeline.recommend(task.queries("test"), 10, artifact.rules, candidates=50)
    return found.items, found.scores


@pytest.mark.parametrize("label", EQUAL)
def test_these_models_give_the_same_bits_for_every_number_of_threads(larger, label):
    items, scores = results(larger, label, 1)
    for count in (2, 3):
        other_items, other_scores = results(larger, label, count)
        assert torch.equal(items, other_items)
        assert torch.equal(scores, other_scores)


@pytest.mark.parametrize("label", CLOSE)
def test_the_others_give_the_same_lists_up_to_rounding(larger, label):
    (items, scores), (other_items, other_scores) = results(larger, label, 1), results(larger, label, 2)
    assert (items == other_items).double().mean() > 0.9
    assert torch.allclose(scores, other_scores, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("ends", ["well", "with an error"])
@pytest.mark.parametrize("call", ["bench", "fit"])
def test_the_threads_of_an_experiment_are_those_of_its_call_alone(tmp_path, monkeypatch, call, ends):
    used = []

    class Reading(Progress):
        def reading(self):
            used.append(torch.get_num_threads())
            if ends != "well":
                raise KeyboardInterrupt

    config = {**CONFIG, "train": {"threads": 3}, "model": CONFIG["model"][:1]}
    run = partial(zoo.bench, out=tmp_path / "out") if call == "bench" else zoo.fit
    with threads(2):
        with nullcontext() if ends == "well" else pytest.raises(KeyboardInterrupt):
            run(config, progress=Reading())
        after = torch.get_num_threads()
    assert (used, after) == ([3], 2)
