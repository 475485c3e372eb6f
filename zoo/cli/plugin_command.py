"""`zoo plugin`: create a plugin, and check one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from zoo.cli.output import FILE, registry_with
from zoo.cli.plugin_check import check
from zoo.spec import STAGES, StageName


@click.group()
def plugin() -> None:
    """Create a plugin, or check one."""


plugin.add_command(check)


@plugin.command()
@click.argument("path", metavar="NAME", type=FILE)
@click.option("--stage", type=click.Choice(STAGES), required=True, help="The stage of the new component.")
@click.option("--neural", is_flag=True, help="With --stage predictor: create a network that the core trains.")
@click.option(
    "--single-file",
    is_flag=True,
    help="Create a single file for --plugin and an experiment instead of a package; NAME ends in .py.",
)
def new(path: Path, stage: StageName, neural: bool, single_file: bool) -> None:
    """Create a plugin with a small working model.

    NAME is the component's name, such as my-model; a folder of that name is created. With --single-file, NAME is a file,
    such as my_model.py; an experiment is written beside it. Existing files are not overwritten.
    """
    from zoo.scaffold.writer import new_file, new_package

    create = new_file if single_file else new_package
    written = create(path, stage, registry_with(()), neural=neural)
    name = path.stem.replace("_", "-")
    _print("Wrote:", map(str, written))
    click.echo()
    _print("Next:", _next_for_file(path, name, stage) if single_file else _next_for_package(path, name))


def _print(title: str, lines: Iterable[str]) -> None:
    """Print lines under a title."""
    click.echo("\n  ".join([title, *lines]))


def _next_for_package(path: Path, name: str) -> list[str]:
    """Return the commands to run after creating a package."""
    return [
        f"pip install -e {path}",
        f"zoo plugin check {name}",
        f"zoo bench {path / 'example.toml'}",
    ]


def _next_for_file(path: Path, name: str, stage: StageName) -> list[str]:
    """Return the commands to run after creating a single file."""
    return [
        f"zoo show {name} --stage {stage} --plugin {path}",
        f"zoo plugin check {name} --plugin {path}",
        f"zoo bench {path.with_suffix('.toml')} --plugin {path}",
    ]
