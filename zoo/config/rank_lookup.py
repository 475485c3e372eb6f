"""From the names in an experiment file with `task = "rank"` to components; every problem on the way is told at once."""

from __future__ import annotations

from pathlib import Path

from zoo.config.lookup import Lookup
from zoo.config.ranking import RankExperiment, RankModel
from zoo.config.resolved import ResolvedRankExperiment, ResolvedRankModel
from zoo.errors import ConfigError
from zoo.registry.registry import Registry


def resolved_ranking(experiment: RankExperiment, registry: Registry, base: Path) -> ResolvedRankExperiment:
    """Look up every component of an experiment and validate its parameters.

    Args:
        experiment: What the file says.
        registry: Where names are looked up.
        base: The folder that relative paths start from.

    Raises:
        ConfigError: Each wrong name and parameter on a line of its own, with its path in the file.
    """
    lookup = Lookup(registry, base)
    source = lookup.one("dataset", experiment.data.source, "data.source")
    metrics = lookup.many("metric", experiment.evaluate.metrics, "evaluate.metrics")
    models = [_model(lookup, model, f"model[{i}]", experiment) for i, model in enumerate(experiment.model, 1)]
    if lookup.problems or source is None:
        raise ConfigError("\n".join(lookup.problems))
    found = tuple(model for model in models if model is not None)
    return ResolvedRankExperiment(experiment, source, metrics, found, registry)


def _model(lookup: Lookup, model: RankModel, where: str, experiment: RankExperiment) -> ResolvedRankModel | None:
    """Return a model, or None where one of its components or settings is a problem."""
    before = len(lookup.problems)
    featurizers = lookup.many("featurizer", model.featurizer, f"{where}.featurizer")
    rankers = lookup.many("ranker", model.rankers, f"{where}.rankers")
    settings, ranker_train = lookup.settings(model, where, experiment.train)
    if len(lookup.problems) > before:
        return None
    result = ResolvedRankModel(model.name, rankers, featurizers, settings, ranker_train=ranker_train)
    lookup.refuse_idle_settings(result, model, where)
    if featurizers and not experiment.data.text:
        lookup.problems.append(
            f"{where}.featurizer: there is no text to compare: name the documents' text columns in data.text, or remove "
            "`featurizer`."
        )
    needs = [r.name for r in rankers if r.capabilities.features == "required"]
    if needs and not featurizers:
        lookup.problems.append(f"{where}: {' and '.join(needs)} needs item features and there is no `featurizer`.")
    return result
