"""The seconds of a fit and of a training add up over interruptions, up to the last checkpoint."""

import time

import pytest

import zoo
from zoo.benchmark.progress import Progress
from zoo.training import epoch_checkpoint

CONFIG = {
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
    "split": {"cuts": [0.7, 0.85]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "train": {"max_epochs": 4, "patience": 10},
    "model": [{"label": "net", "predictor": {"name": "bpr-mf", "dim": 4}}],
}
NAP = 0.2


class Interrupt(Progress):
    """Makes each epoch last at least `NAP` seconds, and ends the process in an epoch of one of the trainings."""

    def __init__(self, training=None, epoch=None):
        self.training, self.epoch, self.trainings, self.last, self.naps = training, epoch, 0, 0, 0

    def phase(self, name, done, total, note="", *, resumed=False, seconds_left=None):
        if name != "fit":
            return
        self.trainings += resumed or not self.last or done <= self.last
        self.last = done
        if (self.trainings, done) == (self.training, self.epoch):
            raise KeyboardInterrupt
        if not resumed:
            self.naps += 1
            time.sleep(NAP)


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write each epoch, however long that takes beside an epoch of a test."""
    monkeypatch.setattr(epoch_checkpoint, "CHECKPOINT_SHARE", float("inf"))


def test_seconds_of_all_sittings_add_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        zoo.bench(CONFIG, tmp_path, progress=(first := Interrupt(1, 4)))
    assert first.naps == 3
    with pytest.raises(KeyboardInterrupt):  # nothing is done, and nothing is lost
        zoo.bench(CONFIG, tmp_path, progress=Interrupt(1, 4))
    store = zoo.bench(CONFIG, tmp_path, progress=(last := Interrupt()))
    [row] = store.rows()
    refit = row.training["refits"][0]["epochs"]
    assert last.naps == 1 + refit
    assert row.fit_seconds >= (first.naps + last.naps) * NAP
    assert row.training["seconds"] <= row.fit_seconds
    seconds = [at["seconds"] for at in row.training["history"]]
    assert len(seconds) == 4
    assert seconds == sorted(seconds)


def test_seconds_of_an_interrupted_refit_add_up(tmp_path):
    config = {**CONFIG, "split": {"cuts": [0.8]}}  # without validation the only training is the final one
    with pytest.raises(KeyboardInterrupt):
        zoo.bench(config, tmp_path, progress=Interrupt(1, 4))
    [row] = zoo.bench(config, tmp_path, progress=Interrupt()).rows()
    assert row.training["epochs"] == 4
    assert row.training["seconds"] >= 4 * NAP
    assert row.fit_seconds >= row.training["seconds"]
