"""The runs of an experiment: each model with each seed, and the key that identifies its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from zoo.benchmark.machine import sources_of
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel, digest


@dataclass(frozen=True)
class Run:
    """A run of a benchmark.

    Attributes:
        model: The model.
        seed: The seed.
        key: The key of its row.
        versions: The versions of the core and of its plugins.
        reference: Whether it is a reference.
        search: The key of the search of its settings, which all seeds share; None if it is not tuned.
        search_seed: The seed of the fits of the search.
    """

    model: BaseResolvedModel
    seed: int | None
    key: str
    versions: dict[str, str]
    reference: bool = False
    search: str | None = None
    search_seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the run's entry in the manifest."""
        reference = {"reference": True} if self.reference else {}
        return {"label": self.model.label, "seed": self.seed, "key": self.key, **reference}


def plan_runs(
    experiment: BaseResolvedExperiment,
    references: Sequence[BaseResolvedModel],
    description: dict[str, Any],
    threads: int | None = None,
) -> list[Run]:
    """Return all runs of an experiment and its references; a deterministic model runs once.

    Args:
        experiment: The experiment.
        references: The reference models.
        description: The description of the comparison.
        threads: The number of threads of the runs; that of this process by default.
    """
    runs, known = list[Run](), dict[str, str]()
    train = experiment.train
    measured_with = {
        "bootstrap": experiment.bootstrap,
        "device": train.device,
        "threads": threads or torch.get_num_threads(),
    }
    for at, model in enumerate([*experiment.models, *references]):
        sources = sources_of(
            *model.parts,
            *model.monitors,
            *experiment.measured_by,
            plugins=experiment.further_plugins(model),
            known=known,
        )
        seeds: list[int | None] = [None] if model.deterministic else list(train.seeds)
        fitted = {"task": description, "model": model.as_json(), "versions": sources}
        search, budget = None, dict[str, Any]()
        if model.tuning is not None:
            place = {"seed": train.seeds[0], "device": train.device, "threads": measured_with["threads"]}
            search, budget = (
                digest({**fitted, **place, "tuning": model.tuning.search_as_json()}),
                model.tuning.as_json(),
            )
        for seed in seeds:
            identity = {**fitted, "seed": seed, **measured_with, **({"tuning": [search, budget]} if search else {})}
            is_reference = at >= len(experiment.models)
            runs.append(Run(model, seed, digest(identity), sources, is_reference, search, train.seeds[0]))
    return runs
