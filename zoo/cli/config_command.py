"""`zoo config`: check an experiment file, or print its JSON schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option, registry_with, set_option
from zoo.config.formatting import (
    format_call,
    format_component,
    format_metric,
    format_model,
    format_own_train,
    format_ranker_train,
    format_train,
)


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

    plain = load_experiment(file, overrides, registry_with(plugins)).as_written()
    if as_json:
        echo_json(plain)
        return
    for name, value in _lines(plain):
        click.echo(f"{name:<10} {value}")
    click.echo(f"{file} is valid.")


@config.command()
@plugin_option
def schema(plugins: tuple[Path, ...]) -> None:
    """Print the JSON schema of an experiment file, with all installed components, for editors."""
    from zoo.config.json_schema import experiment_schema

    echo_json(experiment_schema(registry_with(plugins)))


def _lines(plain: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the summary of a resolved experiment as titles and lines."""
    train = plain["train"]
    split = {key: value for key, value in plain["split"].items() if key != "policy"}
    return [
        ("data", format_component(plain["data"]["source"])),
        ("split", format_call(plain["split"]["policy"], split)),
        ("metrics", ", ".join(map(format_metric, plain["evaluate"]["metrics"]))),
        ("train", format_train(train)),
        *(line for model in plain["model"] for line in _model_lines(model, train)),
    ]


def _model_lines(model: dict[str, Any], train: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a model, followed by its overrides of `[train]`."""
    settings = {"train": format_own_train(model, train), "ranker_train": format_ranker_train(model)}
    own = [("", f"  {table}: {values}") for table, values in settings.items() if values]
    return [("model", f"{model['label']}: {format_model(model)}"), *own]
