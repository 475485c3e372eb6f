"""The experiment of a results folder, resolved again from its manifest, so that its data and models can be used without the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.benchmark.changed_runs import differing_paths
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.config.load import experiment_from
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel
from zoo.data.loaded import FRAME
from zoo.errors import ComponentError, ConfigError, ResultsError
from zoo.registry.registry import Registry, registry_with
from zoo.spec import MODEL_KEYS, StageName


@dataclass(frozen=True)
class StoredExperiment:
    """The experiment of a folder.

    Attributes:
        experiment: The experiment, without the models that cannot be resolved here. Nothing is searched: a model has the settings
            from which a search began.
        raw: The content of a file that resolves to it.
        unresolved: Maps the label of each of these models to the reason.
    """

    experiment: BaseResolvedExperiment
    raw: dict[str, Any]
    unresolved: dict[str, str] = field(default_factory=dict)

    def with_settings(self, label: str, settings: dict[str, Any]) -> BaseResolvedModel:
        """Return a model with the stored settings of a row, such as those that a search has found.

        Raises:
            ConfigError: The settings are not valid.
        """
        registry = self.experiment.registry
        model = _model({"label": label, **json.loads(json.dumps(settings))}, self.raw["train"], registry)
        return experiment_from({**self.raw, "model": [model]}, registry=registry).models[0]


def resolve_stored(folder: Path, manifest: BenchmarkManifest, plugins: Iterable[str | Path] = ()) -> StoredExperiment:
    """Resolve the experiment of a folder.

    Args:
        folder: The folder, for messages.
        manifest: Its manifest.
        plugins: Python files to load as plugins in addition to the installed ones.

    Raises:
        ResultsError: The data came from data frames, or the experiment cannot be resolved here as it was.
    """
    stored = manifest.experiment
    source = stored["data"]["source"]
    if source["name"].rpartition("/")[2] == FRAME.name:
        raise ResultsError(
            f"{folder}: its data were data frames of a Python process, which are gone. Write them to Parquet files and benchmark "
            "these, to be able to read them again."
        )
    registry = registry_with(plugins)
    raw = _as_file(stored, registry)
    try:
        experiment, unresolved = experiment_from(raw, registry=registry), dict[str, str]()
    except ConfigError as error:
        experiment, unresolved = _resolve_part(folder, raw, registry, error)
    kept = [model for model in stored["model"] if model["label"] not in unresolved]
    written = json.loads(json.dumps(experiment.as_written()))
    if changed := list(_changes({**stored, "model": kept}, written)):
        raise ResultsError(
            f"{folder}: its experiment resolves to other values here ({', '.join(changed[:5])}). Use the versions of the core and of "
            "the plugins that wrote it."
        )
    return StoredExperiment(experiment, raw, unresolved)


def _resolve_part(
    folder: Path, raw: dict[str, Any], registry: Registry, error: ConfigError
) -> tuple[BaseResolvedExperiment, dict[str, str]]:
    """Resolve the experiment with those models that can be resolved.

    Raises:
        ResultsError: There is none, because something else is wrong.
    """
    unresolved, models = dict[str, str](), list[dict[str, Any]]()
    for model in raw["model"]:
        try:
            experiment_from({**raw, "model": [model]}, registry=registry)
            models.append(model)
        except ConfigError as problem:
            unresolved[model["label"]] = " ".join(str(problem).split())
    if not models:
        raise ResultsError(
            f"{folder}: its experiment cannot be resolved here: {' '.join(str(error).split())} Install what it names, or give "
            "the file of a plugin with --plugin (in Python, plugins=[...])."
        ) from error
    return experiment_from({**raw, "model": models}, registry=registry), unresolved


def _as_file(stored: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the content of an experiment file that resolves to a stored experiment."""
    raw: dict[str, Any] = json.loads(json.dumps(stored))
    raw["data"]["source"] = _component("dataset", raw["data"]["source"], registry)
    if "clean" in raw["data"]:
        raw["data"]["clean"] = [_component("cleaner", cleaner, registry) for cleaner in raw["data"]["clean"]]
    raw["evaluate"]["metrics"] = [_component("metric", metric, registry) for metric in raw["evaluate"]["metrics"]]
    if "features" in raw["evaluate"]:
        raw["evaluate"]["features"] = [_component("featurizer", f, registry) for f in raw["evaluate"]["features"]]
    raw["model"] = [_model(model, raw["train"], registry) for model in raw["model"]]
    return raw


def _model(stored: dict[str, Any], train: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the table of a model; of its network settings only those that differ from `[train]` are its own."""
    model = dict(stored)
    if "featurizers" in model:
        model["featurizer"] = model.pop("featurizers")
    for stage, key in MODEL_KEYS.items():
        if key in model:
            parts = model[key] if isinstance(model[key], list) else [model[key]]
            tables = [_component(stage, part, registry) for part in parts]
            model[key] = tables if isinstance(model[key], list) else tables[0]
    if "train" in model:
        model["train"] = {key: value for key, value in model["train"].items() if value != train.get(key)}
    if "ranker_train" in model:
        model["ranker_train"] = {
            key: value for key, value in model["ranker_train"].items() if key not in ("monitor", "validation_queries")
        }
    return model


def _component(stage: StageName, stored: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the table of a component with the names of parameters that a file uses."""
    try:
        fields = registry.find(stage, stored["name"]).spec.params.model_fields
    except ComponentError:  # the resolution reports it with its place
        return stored
    return {(fields[key].alias or key) if key in fields else key: value for key, value in stored.items()}


def _changes(stored: dict[str, Any], resolved: dict[str, Any]) -> Iterator[str]:
    """Yield the paths of stored values that are not the resolved ones. Keys that a later version added do not count."""
    yield from differing_paths(stored, _common(stored, resolved))


def _common(stored: Any, resolved: Any) -> Any:
    """Return a resolved value without the keys that are not stored."""
    if isinstance(stored, dict) and isinstance(resolved, dict):
        return {key: _common(stored[key], value) for key, value in resolved.items() if key in stored}
    if isinstance(stored, list) and isinstance(resolved, list) and len(stored) == len(resolved):
        return [_common(a, b) for a, b in zip(stored, resolved, strict=True)]
    return resolved
