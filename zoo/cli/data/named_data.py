"""The data that a command of `zoo data` is about: those of an experiment file, or a file of events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import FILE, plugin_option, registry_with, set_option

if TYPE_CHECKING:
    from zoo.config.resolved import ResolvedExperiment

EXPERIMENT = ".toml"


def set_and_items(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument FILE and the options `--items`, `--users`, `--set` and `--plugin` to a command."""
    items = click.option("--items", type=FILE, help="The file of the items, if FILE is a file of events.")
    users = click.option("--users", type=FILE, help="The file of the users, if FILE is a file of events.")
    return click.argument("file", type=FILE)(items(users(set_option(plugin_option(command)))))


def load_named(
    file: Path, items: Path | None, users: Path | None, overrides: tuple[str, ...], plugins: tuple[Path, ...]
) -> ResolvedExperiment:
    """Return the experiment of a file, or one without models on a file of events, with defaults for everything else.

    Raises:
        ConfigError: The experiment has problems.
    """
    from zoo.config.load import load_data_experiment, load_experiment

    registry = registry_with(plugins)
    if file.suffix != EXPERIMENT:
        return load_data_experiment(file, items, overrides, users=users, registry=registry)
    for name, given in (("items", items), ("users", users)):
        if given is not None:
            raise click.UsageError(
                f"--{name} is for a file of events, and {file} is an experiment: set {name} in its [data] source."
            )
    return load_experiment(file, overrides, registry).require_recommend()
