"""An on-disk cache of fitted featurizers and predictors: runs and trials of a benchmark that share one fit it once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from zoo.artifacts.stages import features_from_state, features_to_state, load_stage, refuse_foreign
from zoo.benchmark.fits.entries import NO_ROOM, UNUSABLE, below, read_entry, with_prefix, write_entry
from zoo.benchmark.fits.keys import featurizer_key, predictor_key
from zoo.benchmark.fits.peak_memory import PeakMemory, peak_memory
from zoo.benchmark.fits.predictor_entries import check_predictor, load_predictor, predictor_state, schema_sizes
from zoo.benchmark.fits.read_columns import NotedData
from zoo.config.chosen import Chosen
from zoo.pipeline.part_fits import PartFits, PredictorFit
from zoo.stages.context import RunContext
from zoo.stages.featurizer import Featurizer, fit_features
from zoo.stages.item_features import ItemFeatures
from zoo.stages.process_state import ProcessState
from zoo.stages.stage import State, TrainingData

STATE, FEATURES = "state.", "features."
T = TypeVar("T")


class FitCache:
    """Fits a featurizer or a predictor, or restores it from an earlier run with the same data, parameters and code.

    An entry is one file, with the fitted state, the item features, the record of training, and the seconds and the memory
    that the fit took. An entry that is damaged or that the component refuses is computed again; what cannot be stored,
    also for lack of memory, is not cached. A row whose parts are restored has the figures of a row that fits them itself.

    Attributes:
        time_correction: Seconds to add to a time measured around calls: the time of the fits, minus the time spent on reading and
            writing the cache.
        fits: The functions that fit, for a pipeline.
    """

    def __init__(self, features: Path, predictors: Path | None = None, *, stores_predictors: bool = True) -> None:
        """Use folders, which are created when the first entry is written.

        Args:
            features: The folder of fitted featurizers and item features.
            predictors: The folder of fitted predictors; None to fit each predictor itself.
            stores_predictors: Whether to add to them, or only to read them.
        """
        self.features, self.predictors, self.time_correction = features, predictors, 0.0
        self.stores_predictors = stores_predictors
        self.fits = PartFits(self.fit_featurizer, self.fit_predictor)
        self._memory = PeakMemory()

    @contextmanager
    def peak_memory(self) -> Iterator[PeakMemory]:
        """Measure the peak memory of a block of code as if nothing in it were restored or stored by this cache."""
        with peak_memory() as peak:
            self._memory = peak
            try:
                yield peak
            finally:
                self._memory = PeakMemory()

    def fit_featurizer(
        self, chosen: Chosen, featurizer: Featurizer[Any], data: TrainingData, context: RunContext
    ) -> ItemFeatures:
        """Return the features of the data's catalogue, `[I, D]`, and fit or restore the featurizer."""

        def restore(tensors: Mapping[str, Tensor], content: Mapping[str, Any], path: Path) -> ItemFeatures:
            load_stage(featurizer, State(below(STATE, tensors), content["state"]), str(path), schema_sizes(data))
            return features_from_state(below(FEATURES, tensors), content["features"])

        def store(features: ItemFeatures, about: Mapping[str, Any], path: Path) -> None:
            state, (tensors, made) = featurizer.state(), features_to_state(features)
            refuse_foreign(state, "featurizer", type(featurizer).__name__)
            named = with_prefix(STATE, state.tensors) | with_prefix(FEATURES, tensors)
            write_entry(path, named, {**about, "state": state.values, "features": made})

        noted = NotedData.of(data)
        return self._fit_or_restore(
            noted,
            lambda: self.features / _file(featurizer_key(chosen, data, context)),
            restore,
            lambda resumed: fit_features(featurizer, noted.data, context.for_training(resumed=resumed), chosen.origin),
            store,
        )

    def fit_predictor(self, fit: PredictorFit) -> dict[str, Any] | None:
        """Fit or restore a predictor; return the record of its training, or None if it does not train in epochs.

        A predictor is stored if its restored copy gives the same scores. One that changes the state of the process is not, nor is
        one whose training was pruned.
        """
        folder = self.predictors
        if folder is None:
            return fit.run()
        unchanged, noted = True, NotedData.of(fit.data)

        def restore(tensors: Mapping[str, Tensor], content: Mapping[str, Any], path: Path) -> dict[str, Any] | None:
            return load_predictor(fit.predictor, fit.data, tensors, content, path)

        def run(resumed: Callable[[float], None]) -> dict[str, Any] | None:
            nonlocal unchanged
            before = ProcessState.now()
            training = replace(fit.resuming(resumed), data=noted.data).run()
            unchanged = vars(before) == vars(ProcessState.now())
            return training

        def store(training: dict[str, Any] | None, about: Mapping[str, Any], path: Path) -> None:
            pruned = training is not None and training["stopped"] == "pruned"
            kept = self.stores_predictors and unchanged and not pruned
            state = predictor_state(fit, about["seconds"]) if kept else None
            if state is not None:
                content = {**about, "state": state.values, "training": training}
                write_entry(path, state.tensors, content, lambda written: check_predictor(fit, written))

        return self._fit_or_restore(noted, lambda: folder / _file(predictor_key(fit)), restore, run, store)

    def _fit_or_restore(
        self,
        noted: NotedData,
        place: Callable[[], Path],
        restore: Callable[[Mapping[str, Tensor], Mapping[str, Any], Path], T],
        fit: Callable[[Callable[[float], None]], T],
        store: Callable[[T, Mapping[str, Any], Path], None],
    ) -> T:
        """Return what a fit returns, from its entry if there is one.

        Args:
            noted: The data that it fits on.
            place: Returns the file of the entry.
            restore: Restores the part from the tensors and the content of the entry; gets its file for messages.
            fit: Fits the part; gets what receives the seconds of earlier processes.
            store: Writes the entry of what the fit returned, with its cost and the hashes of the further columns that it read.
        """
        start = time.perf_counter()
        path = place()
        with self._memory.ignored():
            found = _read(path, noted, restore)
        if found is None:
            began, earlier = time.perf_counter(), list[float]()
            with self._memory.part() as peak:
                result = fit(earlier.append)
            seconds = time.perf_counter() - began + sum(earlier)
            cost = {"seconds": seconds, "memory_mib": peak.so_far()}
            with self._memory.ignored(), suppress(*UNUSABLE, *NO_ROOM):
                store(result, {**cost, "columns": noted.hashes(noted.read)}, path)
        else:
            result, cost = found
        self._memory.raise_to(cost["memory_mib"])
        self.time_correction += cost["seconds"] - (time.perf_counter() - start)
        return result


def _read(
    path: Path, noted: NotedData, restore: Callable[[Mapping[str, Tensor], Mapping[str, Any], Path], T]
) -> tuple[T, dict[str, float]] | None:
    """Return what an entry restores and its cost; None if it cannot be used, or not with the memory that is left."""
    with suppress(*UNUSABLE, MemoryError):
        tensors, content = read_entry(path)
        if content["columns"] != noted.hashes(content["columns"]):
            return None
        return restore(tensors, content, path), {name: float(content[name]) for name in ("seconds", "memory_mib")}
    return None


def _file(key: str) -> str:
    return f"{key}.safetensors"
