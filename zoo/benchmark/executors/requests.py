"""What another process needs to do the runs of a benchmark, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedExperiment
from zoo.config.resolved_base import BaseResolvedExperiment
from zoo.spec import MODEL_KEYS

MISSING_RUN = (
    "the run has other data, code or settings in a process of its own. Leave data and code as they are while the benchmark runs, "
    "and load plugins with --plugin or install them; or run without --isolate and --executor."
)
"""The error of a process that plans other runs than the one that asks."""


def requests_of(experiment: BaseResolvedExperiment, results: Path) -> dict[str, Any]:
    """Return what the requests for the runs of an experiment have in common.

    Args:
        experiment: The experiment.
        results: The folder of the benchmark, which has the searches and the cached fits.
    """
    return {
        "experiment": experiment_table(experiment),
        "env": dict(experiment.variables.env),
        "plugins": [str(p.module.__file__) for p in experiment.registry.plugins if p.is_file],
        "threads": torch.get_num_threads(),
        "results": str(results.absolute()),
        "folder": str(Path.cwd()),
    }


def experiment_table(experiment: BaseResolvedExperiment) -> dict[str, Any]:
    """Return the content of a file that resolves to the same experiment, with the same plugins and from the same folder."""
    plain = experiment.experiment.model_dump(mode="json")
    # A search keeps what a file sets, so only that is written.
    plain["train"] = experiment.train.model_dump(mode="json", exclude_unset=True)
    logger = experiment.train.logger  # not part of the dump, because no result depends on it
    plain["train"]["logger"] = logger if logger is None or isinstance(logger, str) else logger.model_dump(mode="json")
    plain["data"]["source"] = _component_table(experiment.source)
    plain["evaluate"]["metrics"] = [_component_table(metric) for metric in experiment.metrics]
    if isinstance(experiment, ResolvedExperiment):
        plain["data"]["clean"] = [_component_table(cleaner) for cleaner in experiment.cleaners]
        plain["evaluate"]["features"] = [_component_table(featurizer) for featurizer in experiment.metric_features]
    for table, model in zip(plain["model"], experiment.models, strict=True):
        table["label"] = model.label
        for stage, key in MODEL_KEYS.items():
            if key in table:
                found = [_component_table(part) for part in model.parts if part.component.spec.stage == stage]
                table[key] = found[0] if stage == "predictor" else found
    hidden: dict[str, Any] = experiment.variables.hide(plain)  # the process of the run expands them itself
    return hidden


def _component_table(chosen: Chosen) -> dict[str, Any]:
    """Return name and parameters of a component under the names that a file uses."""
    return {
        "name": chosen.component.qualified_name,
        **chosen.params.model_dump(mode="json", by_alias=True, exclude_unset=True),
    }
