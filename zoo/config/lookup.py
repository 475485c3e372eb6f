"""From the names in an experiment file to components; every problem on the way is told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.config.candidates import CandidateFeatureSettings
from zoo.config.experiment import Choice, DataSettings, EvaluateSettings, Experiment, MetricChoice, Model
from zoo.config.ranking import RankModel
from zoo.config.resolved import AnyModel, Chosen, ResolvedExperiment, ResolvedModel, has_rank_part, network_rankers
from zoo.config.splits import Split
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings, TrainSettings, ranker_settings
from zoo.errors import ComponentError, ConfigError
from zoo.registry.registry import Registry
from zoo.spec import STAGES, Capabilities, StageName


def resolved(experiment: Experiment, registry: Registry, base: Path) -> ResolvedExperiment:
    """Look up every component of an experiment and validate its parameters.

    Args:
        experiment: What the file says.
        registry: Where names are looked up.
        base: The folder that relative paths start from.

    Raises:
        ConfigError: Each wrong name and parameter on a line of its own, with its path in the file; and what does not
            fit together.
    """
    result, problems = looked_up(
        Sections(experiment.data, experiment.split, experiment.evaluate, experiment.train, experiment.model),
        registry,
        base,
    )
    if problems or result.source is None:
        raise ConfigError("\n".join(problems))
    models = tuple(model for model in result.models if model is not None)
    return ResolvedExperiment(experiment, result.source, result.metrics, result.metric_features, models, registry)


@dataclass(frozen=True)
class Sections:
    """The tables of an experiment file; None in place of one that is malformed."""

    data: DataSettings | None
    split: Split | None
    evaluate: EvaluateSettings | None
    train: TrainSettings | None
    models: Sequence[Model | None]


@dataclass(frozen=True)
class Found:
    """The components that were found; None in place of one that is a problem."""

    source: Chosen | None
    metrics: tuple[Chosen, ...]
    metric_features: tuple[Chosen, ...]
    models: tuple[ResolvedModel | None, ...]


def looked_up(sections: Sections, registry: Registry, base: Path) -> tuple[Found, list[str]]:
    """Return the components that the tables of a file name, and a line for each problem with them and among them."""
    data, split, evaluate = sections.data, sections.split, sections.evaluate
    lookup = Lookup(registry, base)
    source = lookup.one("dataset", data.source, "data.source") if data else None
    metrics = lookup.many("metric", evaluate.metrics, "evaluate.metrics") if evaluate else ()
    features = lookup.many("featurizer", evaluate.features, "evaluate.features") if evaluate else ()
    train = sections.train or TrainSettings()
    monitor = lookup.monitor(train, "train")
    models = tuple(lookup.model(m, f"model[{i}]", train, monitor) for i, m in enumerate(sections.models, 1))
    problems = lookup.problems
    if evaluate:
        problems += _metric_misfits(metrics, models, evaluate)
    problems += [p for i, m in enumerate(models, 1) if m for p in _misfits(m, f"model[{i}]", split, registry)]
    if data:
        problems += clock_misfits(models, data.time)
    if data and split and split.policy == "temporal" and data.time in ("position", "file-order"):
        problems.append(
            f"split.policy 'temporal' cuts at moments, and data.time is {data.time!r}, which is no clock. "
            'Use data with timestamps, or split.policy = "leave-last-out".'
        )
    return Found(source, metrics, features, models), problems


class Lookup:
    """Looks components up and keeps what is wrong, so that all of it can be told at once."""

    def __init__(self, registry: Registry, base: Path) -> None:
        self.registry, self.base = registry, base
        self.problems: list[str] = []

    def one(self, stage: StageName, choice: Choice, where: str) -> Chosen | None:
        """Return a component with its parameters, or None where that is a problem."""
        try:
            component = self.registry.find(stage, choice.name)
            return Chosen(component, component.params(dict(choice.params), where, {"base": self.base}))
        except ConfigError as error:  # its lines name their places already
            self.problems.append(str(error))
        except ComponentError as error:
            self.problems.append(f"{where}: {error}")
        return None

    def many(self, stage: StageName, choices: Sequence[Choice], where: str) -> tuple[Chosen, ...]:
        """Return those components of a list that are no problem."""
        found = [self.one(stage, choice, f"{where}[{i}]") for i, choice in enumerate(choices, 1)]
        return tuple(c for c in found if c is not None)

    def monitor(self, settings: NetworkSettings, where: str) -> Chosen | None:
        """Return the metric that trainings watch, or None where that is a problem."""
        return self.one("metric", MetricChoice.model_validate(settings.monitor), f"{where}.monitor")

    def model(
        self, model: Model | None, where: str, train: TrainSettings, monitor: Chosen | None
    ) -> ResolvedModel | None:
        """Return a model, or None where one of its components or settings is a problem.

        Args:
            model: What the file says.
            where: Its place in the file.
            train: The settings of all models.
            monitor: The metric that their trainings watch.
        """
        if model is None:
            return None
        before = len(self.problems)
        found = [(stage, self.one(stage, choice, f"{where}.{key}")) for stage, key, choice in model.choices()]
        settings, ranker_train = self.settings(model, where, train)
        if "monitor" in model.train and settings is not train:
            monitor = self.monitor(settings, f"{where}.train")
        if len(self.problems) > before:
            return None
        of = {name: tuple(c for s, c in found if s == name and c is not None) for name in STAGES}
        stages = (of["predictor"][0], of["featurizer"], of["filter"], of["ranker"])
        result = ResolvedModel(model.name, *stages, model.candidate_features, settings, monitor, ranker_train)
        self.refuse_idle_settings(result, model, where)
        return result

    def settings(
        self, model: Model | RankModel, where: str, train: TrainSettings
    ) -> tuple[NetworkSettings, NetworkSettings]:
        """Return how a model's networks are trained, and those among its rankers; the defaults of what is a problem."""
        network: NetworkSettings = train
        ranker = NetworkSettings()
        try:
            network = train.network(model.train, f"{where}.train")
        except ConfigError as error:
            self.problems.append(str(error))
        try:
            ranker = ranker_settings(network, model.ranker_train, f"{where}.ranker_train")
        except ConfigError as error:
            self.problems.append(str(error))
        return network, ranker

    def refuse_idle_settings(self, resolved: AnyModel, model: Model | RankModel, where: str) -> None:
        """Keep it as a problem where a model says how networks are trained, and has none."""
        label, networks = resolved.label, network_rankers(resolved)
        if model.ranker_train and not networks:
            self.problems.append(
                f"{where}.ranker_train: no ranker of {label} is a network of the core's. Remove [model.ranker_train]."
            )
        if not model.train:
            return
        if not resolved.trains_in_epochs:
            self.problems.append(f"{where}.train: nothing in {label} trains in epochs. Remove [model.train].")
            return
        others = [
            part for part in resolved.parts if part not in resolved.rankers and part.capabilities.trains_in_epochs
        ]
        rankers_own = ", ".join(key for key in model.train if key in RANKER_DEFAULTS)
        if rankers_own and not others:
            names = " and ".join(r.name for r in networks or resolved.rankers)
            place = (
                "in [model.ranker_train]. Move them there." if networks else "in the ranker's table. Write them there."
            )
            self.problems.append(
                f"{where}.train: only rankers of {label} train in epochs, and {rankers_own} of {names} are set {place}"
            )


def _metric_misfits(
    metrics: Sequence[Chosen], models: Sequence[ResolvedModel | None], evaluate: EvaluateSettings
) -> list[str]:
    """Return which metrics cannot be computed under the settings, a line each."""
    lines = [
        f"evaluate.metrics: {metric.name} compares item features, and there are none: set "
        'evaluate.features = { name = "tf-idf", columns = [...] }, or leave the metric out.'
        for metric in metrics
        if metric.capabilities.features == "required" and not evaluate.features
    ]
    longest = max((getattr(metric.params, "k", 0) for metric in metrics), default=0)
    ranked = ", ".join(model.label for model in models if model and model.rankers)
    if ranked and evaluate.candidates < longest:
        lines.append(
            f"evaluate.candidates: {evaluate.candidates} candidates for the rankers of {ranked} fill no list of {longest}, "
            f"which the metrics ask for: set it to {longest} or more, or choose smaller cutoffs."
        )
    return lines


def _misfits(model: ResolvedModel, where: str, split: Split | None, registry: Registry) -> list[str]:
    """Return what does not fit together within a model and with the split, a line each."""
    lines = []
    makers = ", ".join(sorted(c.name for c in registry.components("featurizer"))) or "none installed"
    readers = [p for p in (model.predictor, *model.filters, *model.rankers) if p.capabilities.features != "none"]
    needs = [p.name for p in readers if p.capabilities.features == "required"]
    if needs and not model.featurizers:
        switches = [_switch(p, lambda c: c.features != "required") for p in readers if p.name in needs]
        without = f"; or {' and '.join(switches)}" if all(switches) else ""
        lines.append(
            f"{where}: {' and '.join(needs)} needs item features and there is no `featurizer`. Choose one: {makers}{without}."
        )
    groups = model.candidate_features.groups
    asked = [group for group in groups or () if group in ("similarity", "vectors")]
    if asked and not model.featurizers:
        lines.append(
            f"{where}.candidate_features.groups: {' and '.join(asked)} of candidates come from item features, and there is no "
            f"`featurizer`. Choose one: {makers}; or leave them out."
        )
    told = bool(model.rankers) and (groups is None or bool(asked))
    if model.featurizers and not readers and not told:
        names = ", ".join(f.name for f in model.featurizers)
        lines.append(
            f"{where}: nothing reads the features of {names}: {model.predictor.name} takes none. Remove `featurizer`, or choose a predictor or ranker that takes features."
        )
    if model.candidate_features != CandidateFeatureSettings() and not model.rankers:
        lines.append(f"{where}.candidate_features: {model.label} has no ranker to be told of candidates. Remove it.")
    lines += [
        f"{where}: ranker {r.name!r} learns from a `rank` part, and the split has none. "
        'Use `policy = "temporal"` with three `cuts`.'
        for r in model.rankers
        if r.capabilities.trainable and split is not None and not has_rank_part(split)
    ]
    return lines


def clock_misfits(models: Sequence[ResolvedModel | None], clock: str) -> list[str]:
    """Return which components need a real clock where the data have an order only, a line each."""
    if clock not in ("position", "file-order"):
        return []
    return [
        f"model[{i}]: {part.name} needs a real clock, and the events are ordered by {clock} only. "
        f"Use data with timestamps, or {_switch(part, lambda c: not c.needs_time) or 'other parameters'}."
        for i, model in enumerate(models, 1)
        for part in (model.parts if model else ())
        if part.capabilities.needs_time
    ]


def _switch(part: Chosen, wanted: Callable[[Capabilities], bool]) -> str:
    """Return which switch of a component gives it the capabilities that are wanted, as advice; empty where there is none."""
    for name, value in part.params:
        if isinstance(value, bool):
            turned = replace(part, params=part.params.model_copy(update={name: not value}))
            if wanted(turned.capabilities):
                return f"set {name} = {str(not value).lower()}"
    return ""
