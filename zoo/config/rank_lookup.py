"""Resolve an experiment file with `task = "rank"`: look up components by name and report all problems together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.lookup import Lookup
from zoo.config.malformed import look_up_components, look_up_models
from zoo.config.metric_checks import repeated_metrics
from zoo.config.rank_experiment import JudgedData, RankEvaluateSettings, RankExperiment, RankModel
from zoo.config.rank_resolved import ResolvedRankExperiment, ResolvedRankModel
from zoo.config.tuned_model import tune_models
from zoo.errors import ConfigError
from zoo.params import validated
from zoo.registry.registry import Registry


def resolve_rank(raw: dict[str, Any], registry: Registry, base: Path) -> ResolvedRankExperiment:
    """Validate the content of an experiment file, look up every component and validate its parameters.

    Args:
        raw: Content of the file.
        registry: Where components are looked up.
        base: The folder that relative paths refer to.

    Raises:
        ConfigError: A key, name or parameter is wrong; the message has one line for each, with its path in the file.
    """
    lookup = Lookup(registry, base)
    try:
        experiment = validated(RankExperiment, raw, "")
    except ConfigError as error:  # look up components too, so that the user sees all problems at once
        look_up_components(lookup, JudgedData, raw.get("data"), "data")
        look_up_components(lookup, RankEvaluateSettings, raw.get("evaluate"), "evaluate")
        look_up_models(lookup, RankModel, raw.get("model"))
        raise ConfigError("\n".join([str(error), *lookup.problems])) from None
    source = lookup.one("dataset", experiment.data.source, "data.source")
    metrics = lookup.many("metric", experiment.evaluate.metrics, "evaluate.metrics")
    found = [_resolve_model(lookup, model, f"model[{i}]", experiment) for i, model in enumerate(experiment.model, 1)]
    models, wrong = tune_models(found, experiment.model, experiment.tune, experiment.train, metrics)
    lookup.problems += wrong
    lookup.problems += [f"evaluate.metrics: {line}" for line in needs_without_judged_lists(metrics)]
    lookup.problems += repeated_metrics(metrics)
    if lookup.problems or source is None:
        raise ConfigError("\n".join(lookup.problems))
    resolved = tuple(model for model in models if model is not None)
    return ResolvedRankExperiment(experiment, source, metrics, resolved, registry)


def needs_without_judged_lists(parts: Iterable[Chosen]) -> list[str]:
    """Return a line for each component that reads what judged lists do not have."""
    lines = []
    for part in parts:
        wanted = ["the histories of the queries"] * part.capabilities.histories
        wanted += [f"the item columns {', '.join(part.capabilities.columns)}"] * bool(part.capabilities.columns)
        wanted += [f"the user columns {', '.join(part.capabilities.user_columns)}"] * bool(
            part.capabilities.user_columns
        )
        if wanted:
            lines.append(
                f"{part.name} reads {' and '.join(wanted)}, which judged lists do not have. Leave it out, or use it in an "
                'experiment with task = "recommend".'
            )
    return lines


def _resolve_model(
    lookup: Lookup, model: RankModel, where: str, experiment: RankExperiment
) -> ResolvedRankModel | None:
    """Return a model, or None if one of its components or settings has a problem."""
    before = len(lookup.problems)
    featurizers = lookup.many("featurizer", model.featurizer, f"{where}.featurizer")
    rankers = lookup.many("ranker", model.rankers, f"{where}.rankers")
    settings = lookup.settings(model.train, where, experiment.train)
    ranker_train = lookup.ranker_settings(model.ranker_train, where, settings)
    if len(lookup.problems) > before:
        return None
    result = ResolvedRankModel(
        model.name, rankers, featurizers, train=settings, ranker_train=ranker_train, resources=model.resources
    )
    lookup.refuse_idle_settings(result, model.train, model.ranker_train, where)
    if featurizers and not experiment.data.text:
        lookup.problems.append(
            f"{where}.featurizer: there is no text to compare. List the documents' text columns in data.text, or remove "
            "`featurizer`."
        )
    lookup.problems += [f"{where}.rankers: {line}" for line in needs_without_judged_lists(rankers)]
    needs = [r.name for r in rankers if r.capabilities.features == "required"]
    if needs and not featurizers:
        lookup.problems.append(f"{where}: {' and '.join(needs)} needs item features and there is no `featurizer`.")
    return result
