"""The keys of a cache of fits: hashes of everything that a fitted featurizer or predictor depends on."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import torch

from zoo.artifacts.stages import features_to_state
from zoo.benchmark.machine import sources_of, versions
from zoo.config.chosen import Chosen
from zoo.config.resolved_base import digest
from zoo.data.fingerprint import fingerprint, fingerprint_table
from zoo.pipeline.part_fits import PredictorFit
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import TrainingData
from zoo.tensors import hash_tensors, split_csr


def featurizer_key(chosen: Chosen, data: TrainingData, context: RunContext) -> str:
    """Return the hash of everything that item features depend on."""
    return digest({"featurizer": chosen.as_json(), **_common(chosen, data, context, sources=[])})


def predictor_key(fit: PredictorFit) -> str:
    """Return the hash of everything that a fitted predictor depends on.

    The purpose of a fit and the name of the model are no part of it: they reach loggers and callbacks, not the weights.
    """
    model, context = fit.model, fit.context
    validated, sources = None, list[Chosen]()
    if fit.validated_on is not None:
        sources = [*model.filters, *model.monitors]
        validated = {"on": fit.validated_on(), "filters": [chosen.as_json() for chosen in model.filters]}
    return digest({
        "predictor": model.predictor.as_json(),
        **_common(model.predictor, fit.data, context, sources=sources),
        "features": None if fit.data.features is None else _hash_features(fit.data.features),
        **_of_users(fit),
        "epochs": context.epochs,
        "chosen": dict(context.training.chosen),
        "validated": validated,
    })  # fmt: skip


def _common(chosen: Chosen, data: TrainingData, context: RunContext, *, sources: list[Chosen]) -> dict[str, Any]:
    """Return what featurizers and predictors depend on.

    Of the further columns of the log it has the names. An entry has the hashes of those that the fit read.
    """
    can, further = chosen.capabilities, data.interactions.source
    return {
        "versions": {**versions(), **sources_of(chosen, *sources)},
        "data": fingerprint(data.interactions, data.catalogue, pa.array([], pa.string())),
        "columns": [] if further is None else sorted(further.column_names),
        "ties": data.interactions.ties,
        "device": str(context.device),
        "threads": torch.get_num_threads(),
        "seed": None if can.deterministic else context.seed,
        "train": context.training.settings.model_dump(mode="json") if can.trains_in_epochs else None,
    }


def _of_users(fit: PredictorFit) -> dict[str, str]:
    """Return a hash of the columns of users that a predictor declares; empty if it declares none."""
    users = fit.data.user_columns.users
    return {"users": fingerprint_table(users.table.select(sorted(users.columns)))} if users.columns else {}


def _hash_features(features: ItemFeatures) -> str:
    """Return a hash of item features, values and names."""
    tensors, about = features_to_state(features)
    return hash_tensors(str(about), split_csr(tensors))
