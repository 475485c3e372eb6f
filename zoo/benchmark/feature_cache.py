"""An on-disk cache of item features: runs of a benchmark that share a featurizer compute them once."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors import SafetensorError
from torch import Tensor

from zoo.artifacts.stages import features_from_state, features_to_state, load_stage, refuse_foreign
from zoo.atomic import write_atomically
from zoo.benchmark.machine import sources_of, versions
from zoo.config.chosen import Chosen
from zoo.config.resolved import digest
from zoo.data.fingerprint import fingerprint
from zoo.errors import ArtifactError
from zoo.stages.context import RunContext
from zoo.stages.featurizer import Featurizer, fit_features
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import State, TrainingData
from zoo.tensors import hash_tensors, join_csr, read_header, read_parts, split_csr, write_tensors

STATE, FEATURES = "state.", "features."


class FeatureCache:
    """Fits a featurizer, or restores it from an earlier run with the same data, parameters and code.

    An entry is one file, written atomically: fitted state and item features as tensors, other values as JSON in the
    header, and a hash of both. An entry that is damaged or that the featurizer refuses is computed again. Features that
    cannot be stored are not cached.

    Attributes:
        time_correction: Seconds to add to a time measured around calls: the time to compute the features, minus the time spent on
            reading and writing the cache.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.time_correction = folder, 0.0

    def __call__(
        self, chosen: Chosen, featurizer: Featurizer[Any], data: TrainingData, context: RunContext
    ) -> ItemFeatures:
        """Return the features of the data's catalogue, `[I, D]`, and fit or restore the featurizer."""
        start = time.perf_counter()
        path = self.folder / f"{_key(chosen, data, context)}.safetensors"
        try:
            features, seconds = _read(path, featurizer)
        except (ArtifactError, OSError, SafetensorError, KeyError, TypeError, ValueError):
            began, earlier = time.perf_counter(), list[float]()
            resumed = context.for_training(resumed=earlier.append)
            features = fit_features(featurizer, data, resumed, chosen.origin)
            seconds = time.perf_counter() - began + sum(earlier)
            self._keep(path, featurizer, features, seconds)
        self.time_correction += seconds - (time.perf_counter() - start)
        return features

    def _keep(self, path: Path, featurizer: Featurizer[Any], features: ItemFeatures, seconds: float) -> None:
        """Write an entry, unless its state is not tensors and JSON or the disk is full."""
        state, (tensors, about) = featurizer.state(), features_to_state(features)
        named = {f"{STATE}{name}": tensor for name, tensor in state.tensors.items()}
        named |= {f"{FEATURES}{name}": tensor for name, tensor in tensors.items()}
        with suppress(ArtifactError, OSError, SafetensorError):
            refuse_foreign(state, "featurizer", type(featurizer).__name__)
            entry = json.dumps({"seconds": seconds, "state": state.values, "features": about})
            with write_atomically(path) as temporary:
                write_tensors(temporary, named, {"entry": entry, "hash": hash_tensors(entry, split_csr(named))})


def _key(chosen: Chosen, data: TrainingData, context: RunContext) -> str:
    """Return the hash of everything that the features depend on."""
    can = chosen.capabilities
    return digest({
        "featurizer": chosen.as_json(),
        "versions": {**versions(), **sources_of(chosen)},
        "data": fingerprint(data.interactions, data.catalogue, pa.array([], pa.string())),
        "device": str(context.device),
        "threads": torch.get_num_threads(),
        "seed": None if can.deterministic else context.seed,
        "train": context.training.settings.model_dump(mode="json") if can.trains_in_epochs else None,
    })  # fmt: skip


def _read(path: Path, featurizer: Featurizer[Any]) -> tuple[ItemFeatures, float]:
    """Load the state of an entry into the featurizer; return the features and the seconds they took.

    Raises:
        ArtifactError: The entry is damaged, or the featurizer refuses it. A file that is not an entry raises other errors.
    """
    parts, header = read_parts(path), read_header(path)
    if header["hash"] != hash_tensors(header["entry"], parts):
        raise ArtifactError(f"{path} is damaged. Remove it.")
    tensors = join_csr(parts)
    entry = json.loads(header["entry"])
    load_stage(featurizer, State(_below(STATE, tensors), entry["state"]), str(path))
    return features_from_state(_below(FEATURES, tensors), entry["features"]), float(entry["seconds"])


def _below(start: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, with the prefix removed."""
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
