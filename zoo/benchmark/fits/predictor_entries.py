"""Store and restore fitted predictors: which are worth it, and whether the restored one gives the same scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.artifacts.stages import load_stage, refuse_foreign
from zoo.benchmark.fits.entries import read_entry
from zoo.data.queries import Queries
from zoo.errors import ArtifactError
from zoo.pipeline.part_fits import PredictorFit
from zoo.stages.predictor import Predictor
from zoo.stages.stage import State, TrainingData
from zoo.tensors import split_csr

LARGEST = 4 * 2**30
"""The largest state in bytes that is stored."""
SMALL, BYTES_PER_SECOND = 2**20, 50 * 2**20
"""A state of more than `SMALL` bytes is stored if its fit took longer than it takes to write, check and read it at this rate."""
QUERIES = 16
"""Number of queries for which the scores of a restored predictor are compared."""


def predictor_state(fit: PredictorFit, seconds: float) -> State | None:
    """Return the state of a fitted predictor, or None if it is not worth storing.

    Args:
        fit: The fit of the predictor.
        seconds: How long it took.

    Raises:
        ArtifactError: The state is not tensors and JSON.
    """
    state = fit.predictor.state()
    refuse_foreign(state, "predictor", type(fit.predictor).__name__)
    size = sum(part.numel() * part.element_size() for part in split_csr(state.tensors).values())
    if not state.tensors or size > min(LARGEST, max(SMALL, seconds * BYTES_PER_SECOND)):
        return None
    return state


def load_predictor(
    predictor: Predictor[Any],
    data: TrainingData,
    tensors: Mapping[str, Tensor],
    content: Mapping[str, Any],
    path: Path,
) -> dict[str, Any] | None:
    """Load an entry into an unfitted predictor; return the record of its training.

    Args:
        predictor: The predictor.
        data: What it was fitted on.
        tensors: The tensors of the entry.
        content: The JSON of the entry.
        path: Its file, for messages.

    Raises:
        ArtifactError: The predictor refuses the state.
    """
    load_stage(predictor, State(dict(tensors), content["state"]), str(path), schema_sizes(data))
    training: dict[str, Any] | None = content["training"]
    if training is not None and predictor.trained is not None:  # the state of a stage does not say why training stopped
        predictor.trained = replace(predictor.trained, stopped=training["stopped"])
    return training


def check_predictor(fit: PredictorFit, path: Path) -> None:
    """Check that a predictor restored from an entry gives the scores of the fitted one, bit for bit.

    Raises:
        ArtifactError: It does not: something that it needs is not part of its state.
    """
    try:
        restored = fit.model.predictor.build()
        load_predictor(restored, fit.data, *read_entry(path), path)
        queries = _sample(fit.data)
        with torch.no_grad():  # what a predictor computes once must also be usable where autograd records
            scores = restored.score(queries)  # first: scoring may advance what the fitted one holds and the state lacks
            alike = torch.equal(scores, fit.predictor.score(queries))
    except Exception as error:  # a plugin may raise anything
        raise ArtifactError(f"{fit.model.predictor.origin} cannot be restored: {error}") from error
    if not alike:
        raise ArtifactError(f"{fit.model.predictor.origin} gives other scores when it is restored")


def schema_sizes(data: TrainingData) -> dict[str, int]:
    """Return the sizes that the state of a stage may depend on; see `zoo.stages.state_schema`."""
    log = data.interactions
    return {"I": len(data.known), "U": log.n_users, "E": len(log.event_names)}


def _sample(data: TrainingData) -> Queries:
    """Return a few queries with the histories of training, at even steps."""
    present = np.flatnonzero(data.interactions.lengths)
    chosen = present[np.unique(np.linspace(0, len(present) - 1, QUERIES).astype(np.int64))]
    return Queries.of_histories(data.interactions).at(chosen).compact()
