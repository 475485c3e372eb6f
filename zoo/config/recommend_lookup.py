"""Resolve an experiment file with `task = "recommend"`: look up components by name and report all problems together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings, EvaluateSettings, Experiment, Model
from zoo.config.lookup import Lookup, clock_misfits, suggest_flag
from zoo.config.malformed import look_up_components, look_up_models
from zoo.config.metric_checks import monitor_problem, repeated_metrics
from zoo.config.plugin_tables import with_plugin_split
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.config.split_settings import WITHOUT_CLOCK, Split, has_rank_part, how_to_hold_out_rank_part
from zoo.config.train import TrainSettings
from zoo.config.tune import TuneSettings
from zoo.config.tuned_model import tune_models
from zoo.errors import ConfigError
from zoo.metric_params import CutoffParams
from zoo.params import validated
from zoo.registry.registry import Registry
from zoo.spec import STAGES


def resolve_recommend(raw: dict[str, Any], registry: Registry, base: Path) -> ResolvedExperiment:
    """Validate the content of an experiment file, look up every component and validate its parameters.

    Args:
        raw: Content of the file.
        registry: Where components are looked up.
        base: The folder that relative paths refer to.

    Raises:
        ConfigError: A key, name or parameter is wrong, or parts of the file are incompatible; the message has one line for
            each problem, with its path in the file.
    """
    context = {"candidate_features": registry.extensions["candidate-features"]}
    errors: list[str] = []
    try:
        checked = raw = with_plugin_split(raw, registry)
    except ConfigError as error:
        errors.append(str(error))
        raw, checked = {**raw, "split": None}, {**raw, "split": {}}
    try:
        experiment = validated(Experiment, checked, "", context)
    except ConfigError as error:
        errors.append(str(error))
    if errors:  # look up the other tables too, so that the user sees all problems at once
        tables = _well_formed(raw, context)
        raise ConfigError("\n".join([*errors, *_problems_besides(tables, raw, registry, base)]))
    tables = RawTables(
        experiment.data, experiment.split, experiment.evaluate, experiment.train, experiment.model, experiment.tune
    )
    found, problems = resolve_tables(tables, registry, base)
    if problems or found.source is None:
        raise ConfigError("\n".join(problems))
    models = tuple(model for model in found.models if model is not None)
    return ResolvedExperiment(
        experiment, found.source, found.metrics, models, registry, found.metric_features, found.cleaners
    )


def resolve_data(raw: dict[str, Any], registry: Registry, base: Path) -> ResolvedExperiment:
    """Resolve a file without models, whose data, split and rules are used alone.

    Raises:
        ConfigError: A key, name or parameter is wrong.
    """
    experiment = validated(Experiment, {**with_plugin_split(raw, registry), "model": _LEAST["model"]}, "")
    tables = RawTables(experiment.data, experiment.split, experiment.evaluate, experiment.train, [])
    found, problems = resolve_tables(tables, registry, base)
    if problems or found.source is None:
        raise ConfigError("\n".join(problems))
    return ResolvedExperiment(
        experiment, found.source, found.metrics, (), registry, found.metric_features, found.cleaners
    )


_LEAST: dict[str, Any] = {"data": {"source": "-"}, "model": [{"predictor": "-"}]}
"""The smallest well-formed experiment."""


def _well_formed(raw: dict[str, Any], context: dict[str, Any]) -> RawTables:
    """Return the well-formed tables of a malformed file."""

    def alone(key: str, value: Any) -> Any:
        try:
            return getattr(Experiment.model_validate({**_LEAST, key: value}, context=context), key)
        except ValidationError:
            return None

    data, split, evaluate, train = (alone(key, raw.get(key, {})) for key in ("data", "split", "evaluate", "train"))
    tune = alone("tune", raw.get("tune"))
    models = raw.get("model")
    one_by_one = [alone("model", [model]) for model in models] if isinstance(models, list) else []
    return RawTables(data, split, evaluate, train, [model[0] if model else None for model in one_by_one], tune)


def _problems_besides(tables: RawTables, raw: dict[str, Any], registry: Registry, base: Path) -> list[str]:
    """Return an error line for each problem of the components in a malformed file, also in its malformed tables."""
    _, problems = resolve_tables(tables, registry, base)
    lookup = Lookup(registry, base)
    if tables.data is None:
        look_up_components(lookup, DataSettings, raw.get("data"), "data")
    if tables.evaluate is None:
        look_up_components(lookup, EvaluateSettings, raw.get("evaluate"), "evaluate")
    look_up_models(lookup, Model, raw.get("model"), [model is None for model in tables.models])
    return [*problems, *lookup.problems]


@dataclass(frozen=True)
class RawTables:
    """The tables of an experiment file; a malformed table is None."""

    data: DataSettings | None
    split: Split | None
    evaluate: EvaluateSettings | None
    train: TrainSettings | None
    models: Sequence[Model | None]
    tune: TuneSettings | None = None


@dataclass(frozen=True)
class Resolved:
    """The resolved components; one with a problem is None."""

    source: Chosen | None
    metrics: tuple[Chosen, ...]
    metric_features: tuple[Chosen, ...]
    models: tuple[ResolvedModel | None, ...]
    cleaners: tuple[Chosen, ...] = ()


def resolve_tables(tables: RawTables, registry: Registry, base: Path) -> tuple[Resolved, list[str]]:
    """Return the components of the tables, and an error line for each problem."""
    data, split, evaluate = tables.data, tables.split, tables.evaluate
    lookup = Lookup(registry, base)
    source = lookup.one("dataset", data.source, "data.source") if data else None
    cleaners = lookup.many("cleaner", data.clean, "data.clean") if data else ()
    metrics = lookup.many("metric", evaluate.metrics, "evaluate.metrics") if evaluate else ()
    features = lookup.many("featurizer", evaluate.features, "evaluate.features") if evaluate else ()
    train = tables.train or TrainSettings()
    monitor = lookup.monitor(train, "train")
    models = tuple(_resolve_model(lookup, m, f"model[{i}]", train, monitor) for i, m in enumerate(tables.models, 1))
    models, wrong = tune_models(models, tables.models, tables.tune, train, metrics)
    lookup.problems += wrong
    problems = lookup.problems
    if evaluate:
        problems += check_metrics(metrics, models, evaluate)
    problems += [p for i, m in enumerate(models, 1) if m for p in check_compatible(m, f"model[{i}]", split, registry)]
    if data:
        problems += clock_misfits(models, data.time)
    if data and split and split.policy == "temporal" and data.time in ("position", "file-order"):
        problems.append(
            f"split.policy 'temporal' cuts at moments, and data.time = {data.time!r} gives an order without timestamps. "
            f"Use data with timestamps, or {WITHOUT_CLOCK}."
        )
    return Resolved(source, metrics, features, models, cleaners), problems


def _resolve_model(
    lookup: Lookup, model: Model | None, where: str, train: TrainSettings, monitor: Chosen | None
) -> ResolvedModel | None:
    """Return a model, or None if one of its components or settings has a problem.

    Args:
        lookup: Looks components up.
        model: The model's table.
        where: Its place in the file.
        train: The settings that all models share.
        monitor: The metric that early stopping watches.
    """
    if model is None:
        return None
    before = len(lookup.problems)
    found = [(stage, lookup.one(stage, choice, f"{where}.{key}")) for stage, key, choice in model.choices()]
    settings = lookup.settings(model.train, where, train)
    ranker_train = lookup.ranker_settings(model.ranker_train, where, settings)
    if "monitor" in model.train and settings is not train:
        monitor = lookup.monitor(settings, f"{where}.train")
    if len(lookup.problems) > before:
        return None
    of = {name: tuple(c for s, c in found if s == name and c is not None) for name in STAGES}
    stages = (of["predictor"][0], of["featurizer"], of["filter"], of["ranker"])
    result = ResolvedModel(
        model.name,
        *stages,
        model.candidate_features,
        monitor,
        lookup.registry.plugins_of("candidate-features", model.candidate_features.names or ()),
        train=settings,
        ranker_train=ranker_train,
        resources=model.resources,
    )
    lookup.refuse_idle_settings(result, model.train, model.ranker_train, where)
    for watched in result.monitors:
        problem = monitor_problem(watched, f"{where}.train" if "monitor" in model.train else "train")
        lookup.problems += [problem] if problem and problem not in lookup.problems else []
    return result


def check_metrics(
    metrics: Sequence[Chosen], models: Sequence[ResolvedModel | None], evaluate: EvaluateSettings
) -> list[str]:
    """Return an error line for each metric that cannot be computed with these settings."""
    lines = [
        f"evaluate.metrics: {metric.name} needs item features and there are none: set "
        'evaluate.features = { name = "tf-idf", columns = [...] }, or leave the metric out.'
        for metric in metrics
        if metric.capabilities.features == "required" and not evaluate.features
    ]
    lines += repeated_metrics(metrics)
    longest = max((m.params.k for m in metrics if isinstance(m.params, CutoffParams)), default=0)
    ranked = ", ".join(model.label for model in models if model and model.rankers)
    if ranked and evaluate.candidates < longest:
        lines.append(
            f"evaluate.candidates: {evaluate.candidates} candidates for the rankers of {ranked} are fewer than the largest "
            f"metric cutoff, {longest}: set it to {longest} or more, or choose smaller cutoffs."
        )
    return lines


def check_compatible(model: ResolvedModel, where: str, split: Split | None, registry: Registry) -> list[str]:
    """Return an error line for each incompatibility within a model, and between the model and the split."""
    lines = []
    featurizers = ", ".join(sorted(c.name for c in registry.components("featurizer"))) or "none installed"
    readers = [p for p in (model.predictor, *model.filters, *model.rankers) if p.capabilities.features != "none"]
    needs = [p.name for p in readers if p.capabilities.features == "required"]
    if needs and not model.featurizers:
        switches = [suggest_flag(p, lambda c: c.features != "required") for p in readers if p.name in needs]
        without = f"; or {' and '.join(switches)}" if all(switches) else ""
        lines.append(
            f"{where}: {' and '.join(needs)} needs item features and there is no `featurizer`. Choose one: {featurizers}{without}."
        )
    groups = model.candidate_features.names
    from_features = [group for group in groups or () if group in ("similarity", "vectors")]
    if from_features and not model.featurizers:
        lines.append(
            f"{where}.candidate_features.groups: {' and '.join(from_features)} of candidates come from item features, and there is no "
            f"`featurizer`. Choose one: {featurizers}; or leave them out."
        )
    rankers_read = bool(model.rankers) and (groups is None or bool(from_features))
    if model.featurizers and not readers and not rankers_read:
        names = ", ".join(f.name for f in model.featurizers)
        lines.append(
            f"{where}: nothing reads the features of {names}: {model.predictor.name} takes none. Remove `featurizer`, or choose a predictor or ranker that takes features."
        )
    if model.candidate_features != CandidateFeatureSettings() and not model.rankers:
        lines.append(f"{where}.candidate_features: {model.label} has no ranker that could use them. Remove it.")
    lines += [
        f"{where}: ranker {r.name!r} is fitted on the `rank` part, and the split has none. {how_to_hold_out_rank_part(split)}"
        for r in model.rankers
        if r.capabilities.trainable and split is not None and not has_rank_part(split)
    ]
    return lines
