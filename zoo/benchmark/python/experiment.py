"""An experiment from Python objects: models, and a log that `zoo.read_log` read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.benchmark.python.models import model_tables
from zoo.config.load import experiment_from
from zoo.config.resolved import ResolvedExperiment
from zoo.config.split_settings import Split
from zoo.data.loaded import FRAME, LoadedSource
from zoo.data.log import Data
from zoo.errors import ConfigError
from zoo.registry.registry import registry_with

PLACEHOLDER = {"name": "files", "interactions": ["-"]}
"""Stands for the source of a log from data frames until the log takes its place."""


def experiment_on(
    log: Data,
    models: Any,
    *,
    split: Split | Mapping[str, Any] | None = None,
    metrics: Sequence[str | Mapping[str, Any]] | None = None,
    evaluate: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    references: bool = True,
    tune: Mapping[str, Any] | None = None,
    plugins: Iterable[str | Path] = (),
) -> ResolvedExperiment:
    """Return the experiment of models on a log, checked as an experiment file is.

    Args:
        log: What `zoo.read_log` returned.
        models: The models, as `model_tables` reads them.
        split: A split policy, or its table; the default of an experiment file by default.
        metrics: The metrics, as in `[evaluate]`.
        evaluate: Other keys of `[evaluate]`.
        train: Keys of `[train]`.
        references: Whether plain models are added as reference rows.
        tune: The `[tune]` table; by default no model is tuned.
        plugins: Python files to load as plugins in addition to the installed ones.

    Raises:
        ConfigError: A model or a setting is invalid; the message has one line for each problem.
        PluginError: A file of `plugins` does not load.
    """
    if log.settings is None:
        raise ConfigError("the log was not read by zoo.read_log: pass what it returned.")
    registry = registry_with(plugins)
    data = log.settings.model_dump()
    if log.settings.source.name == FRAME.name:
        data["source"] = PLACEHOLDER
    raw: dict[str, Any] = {
        "data": data,
        "evaluate": {**(evaluate or {}), **({"metrics": _listed(metrics)} if metrics is not None else {})},
        "train": dict(train or {}),
        "references": references,
        "model": model_tables(models, registry),
    }
    if tune is not None:
        raw["tune"] = dict(tune)
    if split is not None:
        raw["split"] = (
            dict(split)
            if isinstance(split, Mapping)
            else {**split.model_dump(by_alias=True, exclude_unset=True), "policy": split.policy}
        )
    experiment = experiment_from(raw, registry=registry, env=_Verbatim()).require_recommend()
    return replace(experiment, source=LoadedSource.of(log, experiment.source))


def _listed(metrics: Sequence[str | Mapping[str, Any]] | str) -> list[Any]:
    """Return metrics as a list; a single name is a list of one."""
    return [metrics] if isinstance(metrics, str) else list(metrics)


class _Verbatim(dict[str, str]):
    """An environment in which every variable stands for itself: texts from Python are taken as they are."""

    def __contains__(self, name: object) -> bool:
        """Return True."""
        return True

    def __missing__(self, name: str) -> str:
        """Return the variable as it is written."""
        return f"${{{name}}}"
