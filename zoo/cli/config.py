"""`zoo config`: check an experiment file, and describe its form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option, registry_with, set_option

if TYPE_CHECKING:
    from zoo.config.resolved import Chosen, ResolvedExperiment


@click.group()
def config() -> None:
    """Check an experiment file, or print its JSON schema."""


@config.command()
@click.argument("file", type=FILE)
@set_option
@plugin_option
@json_option
def check(file: Path, overrides: tuple[str, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """Check an experiment file and print what it comes to, without reading any data."""
    from zoo.config.load import load_experiment

    experiment = load_experiment(file, overrides, registry_with(plugins))
    if as_json:
        echo_json(experiment.as_json())
        return
    for name, value in _lines(experiment):
        click.echo(f"{name:<10} {value}")
    click.echo(f"{file} is in order.")


@config.command()
@plugin_option
def schema(plugins: tuple[Path, ...]) -> None:
    """Print the JSON schema of an experiment file, with what is installed, for editors."""
    from zoo.config.schema import experiment_schema

    echo_json(experiment_schema(registry_with(plugins)))


def _lines(experiment: ResolvedExperiment) -> list[tuple[str, str]]:
    """Return what an experiment comes to, as titles and lines."""
    plain = experiment.experiment.model_dump(mode="json")
    split = {key: value for key, value in plain["split"].items() if key != "policy"}
    lines = [
        ("data", _said(experiment.source)),
        ("split", _call(plain["split"]["policy"], split)),
        ("metrics", ", ".join(_said(metric) for metric in experiment.metrics)),
        ("train", ", ".join(f"{key}={value}" for key, value in plain["train"].items() if value is not None)),
    ]
    for model in experiment.models:
        parts = [*model.featurizers, model.predictor, *model.filters, *model.rankers]
        lines.append(("model", f"{model.label}: {' > '.join(_said(part) for part in parts)}"))
    return lines


def _said(chosen: Chosen) -> str:
    """Return a component with its parameters, defaults included."""
    params = chosen.params.model_dump(mode="json")
    if chosen.component.spec.stage == "metric" and "k" in params:
        return _call(f"{chosen.name}@{params.pop('k')}", params)
    return _call(chosen.name, params)


def _call(name: str, params: dict[str, Any]) -> str:
    """Return a name with its parameters in brackets; those that are not set are left out."""
    listed = ", ".join(f"{key}={value}" for key, value in params.items() if value not in (None, []))
    return f"{name}({listed})" if listed else name
