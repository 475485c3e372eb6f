"""The entries of fitted predictors: their keys, what they store, and fits that are not stored."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.benchmark.fits import cache as fit_cache
from zoo.benchmark.fits import entries
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.entries import read_entry
from zoo.benchmark.fits.keys import predictor_key
from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.pipeline.part_fits import PredictorFit
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData


def small_log(last=3):
    """Return a small log."""
    return Interactions.from_arrays(np.array([0, 0, 1, 1, 2]), np.array([1, 2, 2, 3, last]), n_items=4, n_users=3)


def request(name="ease", log=None, seed=0, validated_on=None, epochs=None, **params):
    """Return the fit of a fresh predictor."""
    component = default_registry().find("predictor", name)
    chosen = Chosen(component, component.params(params))
    context = RunContext(seed, epochs=epochs)
    data = TrainingData.of(log or small_log())
    return PredictorFit(ResolvedModel("model", chosen), chosen.build(), data, context, validated_on)


def test_a_training_that_was_pruned_is_not_stored(tmp_path):
    cache = FitCache(tmp_path / "features", tmp_path / "predictors")
    for pruned in (True, False):
        fit = request("gru4rec", dim=8, length=5)
        environment = TrainingEnvironment(
            settings=NetworkSettings(max_epochs=3), prune=lambda values, pruned=pruned: pruned
        )
        fit = replace(fit, context=RunContext(validate=lambda predictor: 0.5, training=environment))
        assert cache.fit_predictor(fit)["stopped"] == ("pruned" if pruned else "max_epochs")
        assert len(list(tmp_path.glob("predictors/*"))) == (0 if pruned else 1)


def test_the_key_has_what_a_fit_depends_on():
    same = [predictor_key(request()), predictor_key(request()), predictor_key(request(seed=1))]
    assert len(set(same)) == 1
    network = {"name": "sasrec", "dim": 8}
    others = [
        request(log=small_log(4)),
        request(l2=3.0),
        request(**network),
        request(**network, seed=1),
        request(**network, epochs=2),
        request(**network, validated_on=lambda: {"monitor": "ndcg@5"}),
        request(**network, validated_on=lambda: {"monitor": "recall@5"}),
    ]
    keys = [same[0], *map(predictor_key, others)]
    assert len(set(keys)) == len(keys)


def test_seconds_and_memory_of_a_restored_predictor_are_those_of_its_fit(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(fit_cache.time, "perf_counter", lambda: clock[0])
    target = default_registry().find("predictor", "ease").target()
    fitted, real = [], target.fit

    def slow(self, data, context):
        clock[0] += 100
        fitted.append(self)
        real(self, data, context)

    def read(path, real=fit_cache.read_entry):
        clock[0] += 3
        return real(path)

    monkeypatch.setattr(target, "fit", slow)
    monkeypatch.setattr(fit_cache, "read_entry", read)
    for mib in (500.0, 20.0):
        cache = FitCache(tmp_path / "features", tmp_path / "predictors")
        start = clock[0] + cache.time_correction
        with cache.peak_memory() as peak:
            monkeypatch.setattr(peak, "read", lambda mib=mib: mib)
            fit = request()
            assert cache.fit_predictor(fit) is None
        assert clock[0] + cache.time_correction - start == 100
        assert peak.mib == 500
    assert len(fitted) == 1
    assert torch.equal(fit.predictor.state().tensors["weights"], fitted[0].state().tensors["weights"])


def memory_of_entries(folder):
    """Return the stored memory of each fit in a folder, in MiB."""
    return [read_entry(path)[1]["memory_mib"] for path in folder.rglob("*.safetensors")]


def test_the_memory_of_a_fit_is_not_that_of_what_came_before(tmp_path, monkeypatch):
    largest = [0.0]  # the peak since the last reset
    target = default_registry().find("predictor", "ease").target()
    real = target.fit

    def fit(self, data, context):
        largest[0] = max(largest[0], 20.0)
        real(self, data, context)

    monkeypatch.setattr(target, "fit", fit)
    for before in (900.0, 5.0):
        cache = FitCache(tmp_path / "features", tmp_path / "predictors")
        with cache.peak_memory() as peak:
            monkeypatch.setattr(peak, "read", lambda: largest[0])
            monkeypatch.setattr(peak, "reset", lambda: largest.__setitem__(0, 1.0))
            largest[0] = before  # as a ranker needs it, which learns before the last fit of its predictor
            cache.fit_predictor(request())
        assert memory_of_entries(tmp_path / "predictors") == [20.0]
        assert peak.mib == max(before, 20.0)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp:118] not enough memory")]
)
@pytest.mark.parametrize("at", ["state", "load_state"])
def test_a_fit_for_whose_entry_no_memory_is_left_is_not_stored(tmp_path, monkeypatch, error, at):
    def fail(*given):
        raise error

    fit = request()
    monkeypatch.setattr(type(fit.predictor), at, fail)
    assert FitCache(tmp_path / "features", tmp_path / "predictors").fit_predictor(fit) is None
    assert not list(tmp_path.glob("predictors/*"))
    assert fit.predictor.weights.shape == (3, 3)


def test_an_entry_is_written_if_memory_for_its_copies_is_left(tmp_path, monkeypatch):
    tensors = {"weights": torch.zeros(10)}
    monkeypatch.setattr(entries, "available_memory", lambda: 3 * 40 - 1)
    with pytest.raises(MemoryError, match="an entry of 40 bytes needs 3 times as much memory, and 119 bytes are left"):
        entries.write_entry(tmp_path / "entry", tensors, {})
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(entries, "available_memory", lambda: 3 * 40)
    entries.write_entry(tmp_path / "entry", tensors, {})
    assert torch.equal(read_entry(tmp_path / "entry")[0]["weights"], tensors["weights"])


def test_an_entry_that_memory_does_not_suffice_to_read_is_fitted_again(tmp_path, monkeypatch):
    cache = FitCache(tmp_path / "features", tmp_path / "predictors")
    cache.fit_predictor(request())

    def fail(path):
        raise MemoryError

    monkeypatch.setattr(fit_cache, "read_entry", fail)
    fit = request()
    assert cache.fit_predictor(fit) is None
    assert fit.predictor.weights.shape == (3, 3)


@pytest.mark.parametrize("how", ["column", "pickle"])
def test_a_fit_that_reads_a_further_column_is_restored_where_that_column_is_the_same(tmp_path, monkeypatch, how):
    target, fits = default_registry().find("predictor", "ease").target(), []
    real = target.fit

    def fit(self, data, context):
        log = data.interactions if how == "column" else pickle.loads(pickle.dumps(data.interactions))
        fits.append(log.column("price").to_pylist())
        real(self, data, context)

    monkeypatch.setattr(target, "fit", fit)
    cache = FitCache(tmp_path / "features", tmp_path / "predictors")
    for prices, note, fitted in (
        ([1, 2, 3, 4, 5], "a", True),
        ([1, 2, 3, 4, 5], "a", False),
        ([1, 2, 3, 4, 6], "a", True),
        ([1, 2, 3, 4, 6], "b", how == "pickle"),  # a fit that can read everything depends on everything
    ):
        fits.clear()
        source = pa.table({"price": prices, "note": [note] * 5})
        log = small_log()
        log = replace(log, source=source, rows=np.arange(5)).extract(np.ones(5, np.bool_))
        cache.fit_predictor(request(log=log))
        assert fits == ([prices] if fitted else [])


def test_the_key_has_the_names_of_the_further_columns():
    logs = [replace(small_log(), source=pa.table({name: [1] * 5}), rows=np.arange(5)) for name in ("price", "basket")]
    assert len({predictor_key(request(log=log)) for log in (*logs, small_log())}) == 3
