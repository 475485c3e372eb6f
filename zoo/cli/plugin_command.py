"""`zoo plugin`: start a plugin of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from zoo.cli.output import FILE, registry_with
from zoo.cli.plugin_check import check
from zoo.spec import STAGES, StageName


@click.group()
def plugin() -> None:
    """Start a plugin of your own, and check one."""


plugin.add_command(check)


@plugin.command()
@click.argument("path", metavar="NAME", type=FILE)
@click.option("--stage", type=click.Choice(STAGES), required=True, help="What the new component is.")
@click.option("--neural", is_flag=True, help="With --stage predictor: a network that the core trains.")
@click.option(
    "--single-file",
    is_flag=True,
    help="One file for --plugin, and an experiment, instead of a package; NAME ends in .py.",
)
def new(path: Path, stage: StageName, neural: bool, single_file: bool) -> None:
    """Write a new plugin with a small model that works.

    NAME is the component's name, as in my-model: a folder of that name is made. With --single-file it is a file, as in
    my_model.py: an experiment is written beside it. Nothing is overwritten.
    """
    from zoo.scaffold.writer import new_file, new_package

    make = new_file if single_file else new_package
    written = make(path, stage, registry_with(()), neural=neural)
    name = path.stem.replace("_", "-")
    _print("Wrote:", map(str, written))
    click.echo()
    _print("Next:", _next_for_file(path, name, stage) if single_file else _next_for_package(path, name))


def _print(title: str, lines: Iterable[str]) -> None:
    """Print lines under a title."""
    click.echo("\n  ".join([title, *lines]))


def _next_for_package(path: Path, name: str) -> list[str]:
    """Return the commands that one wants after a package was written."""
    return [
        f"pip install -e {path}",
        f"zoo plugin check {name}",
        f"zoo bench {path / 'example.toml'}",
    ]


def _next_for_file(path: Path, name: str, stage: StageName) -> list[str]:
    """Return the commands that one wants after a single file was written."""
    return [
        f"zoo show {name} --stage {stage} --plugin {path}",
        f"zoo plugin check {name} --plugin {path}",
        f"zoo bench {path.with_suffix('.toml')} --plugin {path}",
    ]
