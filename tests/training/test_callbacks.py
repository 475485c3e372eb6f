"""Callbacks that plugins add, and loggers that a config names."""

import csv
import sys
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from zoo import bench
from zoo.benchmark.progress import Progress
from zoo.config.train import NetworkSettings
from zoo.errors import ConfigError, PluginError
from zoo.hookspecs import Training
from zoo.params import validated
from zoo.registry.registry import Registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.checkpoint import ENDING

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "learning_rate.py"

EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 80, "items": 40}},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "train": {"max_epochs": 4, "schedule": "linear", "batch_size": 16, "learning_rate": 1e-3, "patience": 50},
    "model": [
        {"label": "mine", "predictor": {"name": "sasrec", "dim": 8, "length": 10, "windows": "last"}},
        {"predictor": "popular"},
    ],
}


class Watched(Progress):
    def __init__(self, stop_at=None):
        self.stop_at, self.told, self.rows = stop_at, [], []

    def phase(self, name, done, total, note="", *, resumed=False):
        if name == "fit" and note:
            self.told.append((done, total, note))
            if self.stop_at == len(self.told):
                raise KeyboardInterrupt

    def finished(self, row, *, resumed):
        self.rows.append(row)


def test_an_example_plugin_logs_the_learning_rate_of_every_training(tmp_path):
    store = bench(EXPERIMENT, tmp_path / "out", plugins=[EXAMPLE])
    row = store.rows()[0]
    assert row.error is None
    folder = tmp_path / "out" / "training" / row.key
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "refit/learning_rate.csv",
        "validated/learning_rate.csv",
    ]
    lines = list(csv.reader((folder / "validated" / "learning_rate.csv").read_text().splitlines()))
    assert [float(line[1]) for line in lines] == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert [float(line[2]) for line in lines] == pytest.approx([0.75e-3, 0.5e-3, 0.25e-3, 0])


@pytest.mark.parametrize(("stop", "kept"), [(2, ["validated"]), (6, ["refit", "validated"])])
def test_an_interrupted_benchmark_goes_on_within_its_training(tmp_path, stop, kept, monkeypatch):
    monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))
    first = Watched()
    expected = bench(EXPERIMENT, tmp_path / "whole", progress=first)
    with pytest.raises(KeyboardInterrupt):
        bench(EXPERIMENT, tmp_path / "out", progress=Watched(stop_at=stop))
    folder = tmp_path / "out" / "training"
    assert sorted(path.parent.name for path in folder.rglob(f"*{ENDING}")) == kept
    again = Watched()
    store = bench(EXPERIMENT, tmp_path / "out", progress=again)
    row, whole = store.rows()[0], expected.rows()[0]
    assert row.metrics == whole.metrics
    assert store.lists(row).equals(expected.lists(whole))
    assert not list(folder.rglob("*"))
    assert again.told[0][2] == "resumes after epoch 1"
    assert again.told[1:] == first.told[stop - 1 :]


def test_progress_tells_loss_and_metric(cycle, make):
    told, values = [], iter([0.0575, 0.0561, 1.0])
    context = RunContext(
        validate=lambda predictor: next(values),
        progress=lambda done, total, note="", **_: told.append((done, total, note)),
        training=TrainingEnvironment(settings=NetworkSettings(max_epochs=3, batch_size=16)),
    )
    predictor = make()
    predictor.fit(TrainingData.of(cycle), context)
    losses = [found["loss"] for found in predictor.trained.history]
    assert told == [
        (1, 3, f"loss {losses[0]:.3f}, ndcg@10 .0575 (best .0575)"),
        (2, 3, f"loss {losses[1]:.3f}, ndcg@10 .0561 (best .0575)"),
        (3, 3, f"loss {losses[2]:.3f}, ndcg@10 1.0000 (best 1.0000)"),
    ]


def test_the_loss_of_an_epoch_is_the_mean_of_its_steps(cycle, make):
    class Losses(pl.Callback):
        def __init__(self):
            self.seen = []

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.seen.append(float(outputs["loss"]))

    losses = Losses()
    predictor = make()
    settings = NetworkSettings(max_epochs=2, batch_size=16)
    context = RunContext(
        validate=lambda p: 0.5, training=TrainingEnvironment(settings=settings, callbacks=lambda training: [losses])
    )
    predictor.fit(TrainingData.of(cycle), context)
    first, second = (predictor.trained.history[i]["loss"] for i in (0, 1))
    steps = len(losses.seen) // 2
    assert first == pytest.approx(sum(losses.seen[:steps]) / steps)
    assert second == pytest.approx(sum(losses.seen[steps:]) / steps)
    assert steps > 1


def test_the_loss_is_that_of_a_batch_also_where_several_make_a_step(cycle, fit):
    one, four = (fit(cycle, validate=lambda p: 0.5, accumulate=n, learning_rate=1e-9) for n in (1, 4))
    assert four.trained.history[0]["loss"] == pytest.approx(one.trained.history[0]["loss"], rel=1e-5)


def test_a_callback_is_told_of_the_training_and_sees_what_it_gives(cycle, make, tmp_path):
    seen, trainings = [], []

    class Tracker(pl.Callback):
        def on_train_epoch_end(self, trainer, module):
            seen.append({name: float(value) for name, value in trainer.callback_metrics.items()})

    def callbacks(training):
        trainings.append(training)
        return [Tracker()]

    settings = NetworkSettings(max_epochs=2, batch_size=16, learning_rate=1e-3, patience=10, warmup_steps=0)
    folder = tmp_path / "here"
    context = RunContext(
        7,
        validate=lambda p: 0.5,
        training=TrainingEnvironment(
            label="mine", phase="validated", folder=folder, settings=settings, callbacks=callbacks
        ),
    )
    predictor = make()
    predictor.fit(TrainingData.of(cycle), context)
    assert [metrics["ndcg@10"] for metrics in seen] == [0.5, 0.5]
    assert [m["loss"] for m in seen] == pytest.approx([found["loss"] for found in predictor.trained.history])
    assert seen[0]["learning_rate"] == pytest.approx(1e-3)
    assert trainings == [Training("mine", "Small", 7, "validated", 2, settings.model_dump(mode="json"), folder)]


def test_a_callback_may_stop_a_training_and_write_checkpoints_of_its_own(cycle, make, tmp_path):
    best = pl.callbacks.ModelCheckpoint(tmp_path / "own", "{epoch}", monitor="loss")
    early = pl.callbacks.EarlyStopping("ndcg@10", mode="max", patience=1)
    context = RunContext(
        validate=lambda p: 0.5,
        training=TrainingEnvironment(settings=NetworkSettings(max_epochs=9), callbacks=lambda training: [best, early]),
    )
    predictor = make()
    predictor.fit(TrainingData.of(cycle), context)
    assert len(predictor.trained.history) == 2
    assert [path.name for path in (tmp_path / "own").iterdir()] == [Path(best.best_model_path).name]


def test_a_foreign_state_that_is_no_tensor_and_no_json_is_left_out_with_a_warning(cycle, make, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))

    class Foreign(pl.Callback):
        def __init__(self, state):
            self.state, self.loaded = state, None

        def state_dict(self):
            return self.state

        def load_state_dict(self, state_dict):
            self.loaded = state_dict

    def fit(state, epochs):
        """Train until so many epochs are kept; return what the callback was given."""
        foreign, left = Foreign(state), [0.5] * epochs
        context = RunContext(
            validate=lambda predictor: left.pop(),
            training=TrainingEnvironment(
                folder=tmp_path,
                settings=NetworkSettings(max_epochs=9, batch_size=16),
                callbacks=lambda training: [foreign],
            ),
        )
        with pytest.raises(IndexError):
            make().fit(TrainingData.of(cycle), context)
        return foreign.loaded

    with pytest.warns(
        UserWarning, match=r"the state of the callback .*Foreign.best is a set, which is neither .* not saved"
    ):
        fit({"best": {1, 2}}, 1)
    assert fit({"kept": [torch.arange(3), (1, {2: "two"})]}, 1) is None
    loaded = fit(None, 1)["kept"]
    assert loaded[0].tolist() == [0, 1, 2]
    assert loaded[1] == (1, {2: "two"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "raise RuntimeError('no tracker')",
            r"zoo_callbacks of the plugin broken_tracker file failed: RuntimeError: no",
        ),
        ("return None", r"zoo_callbacks of the plugin broken_tracker file returned None, expected a list of Lightning"),
        (
            "return ['x']",
            r"returned \['x'\], expected a list of Lightning callbacks\. Fix it, or run without --plugin",
        ),
    ],
)
def test_a_broken_hook_names_its_plugin(tmp_path, body, message, monkeypatch):
    monkeypatch.delitem(sys.modules, "broken_tracker", raising=False)
    file = tmp_path / "broken_tracker.py"
    file.write_text(f"from zoo.api import hookimpl\n@hookimpl\ndef zoo_callbacks(run):\n    {body}\n")
    registry = Registry.discover([file])
    with pytest.raises(PluginError, match=message):
        registry.callbacks(Training("mine", "Small", 0, "fit", 2, {}, None))
    rows = bench(EXPERIMENT, tmp_path / "out", plugins=[file]).rows()
    assert "zoo_callbacks of the plugin broken_tracker" in rows[0].error
    assert rows[1].error is None


def logged(cycle, make, folder, logger, **fields):
    settings = validated(
        NetworkSettings, {"max_epochs": 3, "batch_size": 16, "learning_rate": 1e-3, "logger": logger}, "train"
    )
    context = RunContext(
        1,
        training=TrainingEnvironment(label="mine", folder=folder, settings=settings),
        **{"validate": lambda p: 0.25, **fields},
    )
    make().fit(TrainingData.of(cycle), context)


def test_a_logger_by_name_gets_loss_metric_and_rate(cycle, make, tmp_path):
    logged(cycle, make, tmp_path, "csv")
    file = tmp_path / "mine" / "Small-fit-seed1" / "metrics.csv"
    lines = list(csv.DictReader(file.read_text().splitlines()))
    assert [int(line["epoch"]) for line in lines] == [0, 1, 2]
    assert [float(line["ndcg@10"]) for line in lines] == [0.25] * 3
    assert all(float(line["learning_rate"]) == pytest.approx(1e-3) for line in lines)
    assert float(lines[-1]["loss"]) < float(lines[0]["loss"])
    assert "learning_rate: 0.001" in (file.parent / "hparams.yaml").read_text()


def test_a_logger_takes_keyword_arguments(cycle, make, tmp_path):
    logged(cycle, make, tmp_path, {"name": "csv", "save_dir": str(tmp_path / "logs"), "version": "v1"})
    assert (tmp_path / "logs" / "mine" / "v1" / "metrics.csv").exists()


def test_what_a_resumed_training_logs_does_not_replace_what_was_logged(cycle, make, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))
    values = [0.1, 0.2]
    with pytest.raises(IndexError):
        logged(cycle, make, tmp_path, "csv", validate=lambda p: values.pop())
    logged(cycle, make, tmp_path, "csv")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["Small-fit-seed1", "Small-fit-seed1-after2"]


@pytest.mark.parametrize("name", ["mlflow", "wandb", "tensorboard"])
def test_a_logger_that_is_not_installed_says_what_to_install(cycle, make, tmp_path, name):
    try:
        __import__(name)
    except ModuleNotFoundError:
        with pytest.raises(ConfigError, match=rf"train.logger: '{name}' needs the package .*pip install {name}"):
            logged(cycle, make, tmp_path, name)
    else:
        pytest.skip(f"{name} is installed")


def test_a_logger_of_no_such_name_or_argument_is_an_error(cycle, make, tmp_path):
    with pytest.raises(ConfigError, match=r"train.logger: .*'csv'.*found 'tensorbord'\."):
        validated(NetworkSettings, {"logger": "tensorbord"}, "train")
    with pytest.raises(ConfigError, match=r"train.logger: CSVLogger does not accept .* argument 'folder'"):
        logged(cycle, make, tmp_path, {"name": "csv", "folder": "x"})


def test_a_logger_is_no_part_of_what_makes_a_row():
    with_logger, without = NetworkSettings(logger="csv"), NetworkSettings()
    assert with_logger.model_dump(mode="json") == without.model_dump(mode="json")


def test_a_callback_that_fails_is_named_with_its_plugin(tmp_path):
    file = tmp_path / "failing_tracker.py"
    file.write_text(
        "from pytorch_lightning import Callback\nfrom zoo.api import hookimpl\n"
        "class Tracker(Callback):\n    def on_train_epoch_end(self, trainer, pl_module):\n        {}['run']\n"
        "@hookimpl\ndef zoo_callbacks(run):\n    return [Tracker()]\n"
    )
    rows = bench(EXPERIMENT, tmp_path / "out", overrides=["train.max_epochs=1"], plugins=[file]).rows()
    del sys.modules["failing_tracker"]
    assert rows[0].error.startswith(
        f"the callback Tracker of the plugin module failing_tracker failed in on_train_epoch_end ({file}:5): KeyError: 'run'. "
        "Fix it, or run without the plugin"
    )
    assert rows[1].error is None
