"""`zoo config`: check an experiment file, or print its JSON schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option, registry_with, set_option
from zoo.config.formatting import (
    format_call,
    format_component,
    format_evaluate,
    format_metric,
    format_model,
    format_own_train,
    format_ranker_train,
    format_train,
    format_tune,
)

if TYPE_CHECKING:
    from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel


@click.group()
def config() -> None:
    """Check an experiment file, or print its JSON schema."""


@config.command()
@click.argument("file", type=FILE)
@set_option
@plugin_option
@json_option
def check(file: Path, overrides: tuple[str, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """Check an experiment file and print the resolved experiment, without reading any data."""
    from zoo.config.load import load_experiment

    experiment = load_experiment(file, overrides, registry_with(plugins))
    if as_json:
        echo_json(_as_json(experiment))
        return
    for name, value in _lines(experiment):
        click.echo(f"{name:<10} {value}")
    click.echo(f"{file} is valid.")


@config.command()
@plugin_option
def schema(plugins: tuple[Path, ...]) -> None:
    """Print the JSON schema of an experiment file, with all installed components, for editors."""
    from zoo.config.json_schema import experiment_schema

    echo_json(experiment_schema(registry_with(plugins)))


def _as_json(experiment: BaseResolvedExperiment) -> dict[str, Any]:
    """Return a resolved experiment, each tuned model with what is searched of it."""
    plain = experiment.as_written()
    for table, model in zip(plain["model"], experiment.models, strict=True):
        if model.tuning is not None:
            table["tuning"] = model.tuning.as_json()
    return plain


def _lines(experiment: BaseResolvedExperiment) -> list[tuple[str, str]]:
    """Return the summary of a resolved experiment as titles and lines."""
    plain = experiment.as_written()
    train, tune = plain["train"], plain.get("tune")
    split = {key: value for key, value in plain["split"].items() if key != "policy"}
    return [
        ("data", format_component(plain["data"]["source"])),
        ("split", format_call(plain["split"]["policy"], split)),
        ("metrics", ", ".join(map(format_metric, plain["evaluate"]["metrics"]))),
        ("evaluate", format_evaluate(plain["evaluate"])),
        ("train", format_train(train)),
        *([("tune", format_tune(tune))] if tune else []),
        *(("", f"  {sentence}") for sentence in experiment.replaced_budgets),
        *(
            line
            for table, model in zip(plain["model"], experiment.models, strict=True)
            for line in [*_model_lines(table, train), *(_tuning_lines(model) if tune else [])]
        ),
    ]


def _model_lines(model: dict[str, Any], train: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a model, followed by its overrides of `[train]`."""
    settings = {"train": format_own_train(model, train), "ranker_train": format_ranker_train(model)}
    own = [("", f"  {table}: {values}") for table, values in settings.items() if values]
    return [("model", f"{model['label']}: {format_model(model)}"), *own]


def _tuning_lines(model: BaseResolvedModel) -> list[tuple[str, str]]:
    """Return how a model is tuned: its budget and its search space."""
    if model.tuning is None:
        return [("", "  tune: nothing to search" if model.searches_nothing else "  tune: false, keeps these settings")]
    budget = f"  tune: {model.tuning.format_budget()} for {model.tuning.metric_name}"
    return [("", budget), *(("", f"    {name}: {space}") for name, space in model.tuning.space.spaces.items())]
