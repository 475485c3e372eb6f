"""Which runs of a benchmark share the fit of a predictor, and the caches of their fits."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.runs import Run
from zoo.config.resolved import ResolvedModel
from zoo.config.resolved_base import BaseResolvedExperiment, digest

FEATURES, PREDICTORS = "features", "predictors"
"""The folders of fitted featurizers and of fitted predictors in the folder of a benchmark."""
SEARCHED = {"predictor", "featurizer", "train"}
"""The parts of a model that decide how its predictor is fitted."""


@dataclass(frozen=True)
class SharedFits:
    """The fits that runs of a benchmark share.

    A predictor is stored only if a later run of the plan that is not finished can use it, or a further trial of the same search,
    and is removed after the last of them. Predictors on a graphics card are not shared, because a restored one is on the CPU. Nor
    are those that train in epochs with a time limit, which cannot be repeated, or with a logger or callbacks of a plugin, which see
    the training of each row.

    Attributes:
        folder: The folder of the benchmark, with the rows of the runs that are finished.
        runs: Its runs, in the order in which they run.
        device: The device of its fits.
        watched: Whether plugins add callbacks to trainings.
    """

    folder: Path
    runs: Sequence[Run]
    device: torch.device
    watched: bool

    @classmethod
    def of(
        cls, folder: Path, runs: Sequence[Run], experiment: BaseResolvedExperiment, device: torch.device
    ) -> SharedFits:
        """Return the shared fits of an experiment."""
        return cls(folder, runs, device, bool(experiment.registry.callback_plugins))

    def group_of(self, run: Run) -> str:
        """Return a name that is the same for the runs that share a search or the fit of a predictor."""
        return run.search or self._predictor(run) or run.key

    def of_row(self, run: Run) -> FitCache:
        """Return the cache for the row of a run."""
        return self._cache(self.folder, run, stores=self._is_awaited(run))

    def of_search(self, run: Run, folder: Path) -> FitCache:
        """Return the cache for the trials of a search, whose own folder has its features."""
        return self._cache(folder, run, stores=self._trials_share(run))

    def forget_predictors_of(self, run: Run) -> None:
        """Remove the fitted predictors that a run shares, unless a later run can use them; the run has ended."""
        group = self._predictor(run)
        if group is not None and not self._is_awaited(run):
            shutil.rmtree(self.folder / PREDICTORS / group, ignore_errors=True)

    def forget_predictors(self) -> None:
        """Remove the fitted predictors of all runs."""
        shutil.rmtree(self.folder / PREDICTORS, ignore_errors=True)

    def _cache(self, features: Path, run: Run, *, stores: bool) -> FitCache:
        """Return a cache with its features below a folder; it has a folder of predictors if there can be an entry."""
        group = self._predictor(run)
        place = None if group is None else self.folder / PREDICTORS / group
        if place is not None and not stores and not place.exists():
            place = None
        return FitCache(features / FEATURES, place, stores_predictors=stores)

    def _is_awaited(self, run: Run) -> bool:
        """Return whether a later run, which is not finished, can use the predictor of a run."""
        mine, store = self._predictor(run), Store(self.folder)
        if mine is None:
            return False
        last = max(at for at, other in enumerate(self.runs) if other.key == run.key)
        return any(
            self._predictor(later) == mine and store.finished(later.key) is None for later in self.runs[last + 1 :]
        )

    def _trials_share(self, run: Run) -> bool:
        """Return whether a run is tuned and all its trials have the same predictor."""
        tuning = run.model.tuning
        if tuning is None or not self._can_share(run):
            return False
        return not SEARCHED & {name.partition(".")[0] for name in tuning.space.spaces}

    def _predictor(self, run: Run) -> str | None:
        """Return a hash of what the plan says about the fit of a predictor; None if it cannot be shared."""
        model = run.model
        if not isinstance(model, ResolvedModel) or not self._can_share(run):
            return None
        can = model.predictor.capabilities
        featurizers = () if can.features == "none" else model.featurizers
        parts = (model.predictor, *featurizers)
        early = can.trains_in_epochs and model.monitor is not None
        return digest({
            "parts": [part.as_json() for part in parts],
            "train": model.train.model_dump(mode="json") if any(p.capabilities.trains_in_epochs for p in parts) else None,
            "filters": [part.as_json() for part in model.filters] if early else None,
            "seed": None if all(part.capabilities.deterministic for part in parts) else run.seed,
            "search": None if self._trials_share(run) else run.search,
        })  # fmt: skip

    def _can_share(self, run: Run) -> bool:
        """Return whether the predictor of a run is the same wherever it is fitted, and nothing but the run watches its fit."""
        model = run.model
        if not isinstance(model, ResolvedModel) or self.device.type != "cpu":
            return False
        train = model.train
        seen = self.watched or train.logger is not None or train.time_limit is not None
        return not (model.predictor.capabilities.trains_in_epochs and seen)
