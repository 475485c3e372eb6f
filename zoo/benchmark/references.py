"""Reference models that a benchmark adds to those of the experiment, and hints about what the experiment does not try."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import ResourceError, ZooError
from zoo.pipeline.memory_check import check_memory

REFERENCES = ("popular", "transition-graph", "personal-popular", "item-knn")
"""The predictors to add, each with its default parameters."""
LARGE_CATALOGUE = 1_000_000
"""Number of items from which only `popular` is added: every other reference needs memory for pairs of items."""
MOST_SECONDS = 60.0
"""Estimated seconds of a fit above which a reference is left out."""
TITLE, PRICE = "title", "price"


def reference_models(
    experiment: ResolvedExperiment, log: Interactions, device: torch.device | None = None
) -> tuple[ResolvedModel, ...]:
    """Return a plain model of each reference that the experiment lacks and that the data allow.

    Args:
        experiment: The experiment; `references = false` gives none. A reference whose plugin is not installed is left out.
        log: The training events.
        device: The device of the fit, whose available memory limits them; the CPU by default.
    """
    if not experiment.experiment.references:
        return ()
    present = {model.predictor.component.qualified_name for model in experiment.models}
    labels = {model.label for model in experiment.models}
    found = []
    for name in REFERENCES:
        predictor = _plain(experiment, name)
        if predictor is None or predictor.component.qualified_name in present or not _is_affordable(name, log):
            continue
        model = ResolvedModel(f"plain {name}" if name in labels else name, predictor)
        try:
            check_memory(model, log, device or torch.device("cpu"))
        except ResourceError:
            continue
        found.append(model)
    return tuple(found)


def hints(experiment: ResolvedExperiment, catalogue: Catalogue) -> list[str]:
    """Return what usually helps on data like these, and no model of the experiment has."""
    return list(_hints(experiment, catalogue))


def _hints(experiment: ResolvedExperiment, catalogue: Catalogue) -> Iterator[str]:
    """Yield the hints."""
    titles, prices = TITLE in catalogue.columns, catalogue.has_numbers(PRICE)
    if titles and not any(model.featurizers for model in experiment.models):
        yield "the titles of the items (a `featurizer`)"
    if (titles or prices) and not any(model.rankers for model in experiment.models):
        columns = " and ".join(["titles"] * titles + ["prices"] * prices)
        yield f"a ranker, which can use {columns} (`rankers`)"


def _plain(experiment: ResolvedExperiment, name: str) -> Chosen | None:
    """Return a predictor with its default parameters, or None if it is not installed or cannot be used without settings."""
    try:
        component = experiment.registry.find("predictor", name)
        chosen = Chosen(component, component.params())
    except ZooError:
        return None
    able = chosen.capabilities
    usable = able.deterministic and not able.needs_time and able.features != "required" and not able.trains_in_epochs
    return chosen if usable else None


def _is_affordable(name: str, log: Interactions) -> bool:
    """Return whether memory and time of a reference are small for these data."""
    if name == "popular":
        return True
    return log.n_items < LARGE_CATALOGUE and _fit_seconds(name, log) <= MOST_SECONDS


def _fit_seconds(name: str, log: Interactions) -> float:
    """Return an estimate of the seconds of a fit: `item-knn` counts pairs of events of a user, the others count events."""
    if name == "item-knn":
        lengths = log.lengths.astype(float)
        return float(lengths @ lengths) / 5e7
    return len(log) / 1e6
