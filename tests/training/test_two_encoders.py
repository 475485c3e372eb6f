"""Two encoders of one class in one model: neither is seen in what the other learns, nor in what is kept of it."""

import numpy as np
import pyarrow as pa
import pytest
import pytorch_lightning as pl
import torch

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.pipeline.fitting import fit_on_log
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.training import epoch_checkpoint
from zoo.training.checkpoint import ENDING

SMALL = {"tokens": 60, "epoch_pairs": 200, "dropout": 0.5}
ONE, OTHER = {**SMALL, "text_dim": 8}, {**SMALL, "text_dim": 6, "columns": ["title", "brand"], "window": 2}
SETTINGS = NetworkSettings(max_epochs=3, batch_size=32, learning_rate=0.01)


class Stopped(BaseException):
    """What a test interrupts a training with."""


class StopAfter(pl.Callback):
    """Interrupts in the middle of the second epoch."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.current_epoch == 1 and batch_idx == 1:
            raise Stopped


def chosen(stage, name, **params):
    component = default_registry().find(stage, name)
    return Chosen(component, component.params(params))


def features(*encoders, seed=0, progress=lambda *_: None, **environment):
    """Return what text-cnn makes of a shop with these parameters, one after the other."""
    rng, n = np.random.default_rng(0), 300
    words = np.array(["red", "blue", "wool", "silk", "hat", "scarf", "lamp", "mug"])
    titles, brands = ([None, *(" ".join(rng.choice(words, 3)) for _ in range(n))] for _ in range(2))
    catalogue = Catalogue(pa.array([None, *map(str, range(n))]), pa.table({"title": titles, "brand": brands}))
    log = Interactions.from_arrays(np.repeat(np.arange(120), 6), rng.integers(1, n + 1, 720), n_items=n)
    made = tuple(chosen("featurizer", "text-cnn", **params) for params in encoders)
    model = ResolvedModel("m", chosen("predictor", "content-knn"), made, train=SETTINGS)
    context = RunContext(seed, progress=progress, training=TrainingEnvironment(**environment))
    return fit_on_log(model, log, catalogue, context).pipeline.features.values


def test_each_learns_what_it_learns_alone(tmp_path):
    both, alone = features(ONE, OTHER, folder=tmp_path), [features(params) for params in (ONE, OTHER)]
    assert torch.equal(both, torch.cat(alone, 1))
    assert torch.equal(features(OTHER, ONE), torch.cat(alone[::-1], 1))
    assert not torch.equal(alone[0], features(ONE, seed=1))


def test_an_interrupted_one_goes_on_from_its_own_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(epoch_checkpoint, "CHECKPOINT_SHARE", float("inf"))  # write each epoch
    undisturbed = features(ONE, OTHER)

    def stop(training):
        second = training.folder.name == "featurizer-2" and training.component == "TextCNN-held-out"
        return [StopAfter()] if second else []

    with pytest.raises(Stopped):
        features(ONE, OTHER, folder=tmp_path, callbacks=stop)
    kept = {str(file.relative_to(tmp_path / "fit")) for file in tmp_path.rglob("*.safetensors")}
    assert {file.removesuffix(ENDING) for file in kept} == {
        "featurizer-1/TextCNN-held-out", "featurizer-1/TextCNN", "featurizer-2/TextCNN-held-out",
    }  # fmt: skip
    told = []
    resumed = features(
        ONE, OTHER, folder=tmp_path, progress=lambda done, total, note="", **_: told.append((done, note))
    )
    assert torch.equal(resumed, undisturbed)
    assert [done for done, note in told if note.startswith("resumes after epoch")].count(1) == 1
