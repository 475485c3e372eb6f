"""`zoo plugin`: create a plugin, and check one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from zoo.cli.output import FILE, registry_with
from zoo.cli.plugin_check import check
from zoo.errors import ScaffoldError
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
@click.option(
    "--into",
    type=FILE,
    metavar="PACKAGE",
    help="Add the component to the package in this folder instead of creating one.",
)
def new(path: Path, stage: StageName, neural: bool, single_file: bool, into: Path | None) -> None:
    """Create a plugin with a small working model.

    NAME is the component's name, such as my-model; a folder of that name is created. With --single-file, NAME is a file,
    such as my_model.py; an experiment is written beside it. With --into, the component is added to an existing package: a
    module, its parameters, its entry in the hook, a row of the README and an experiment. Existing files are not overwritten.
    """
    from zoo.scaffold.writer import new_file, new_package

    if into is not None:
        if single_file:
            raise ScaffoldError("--into adds to a package, and --single-file creates a file: leave one of them out.")
        _add(into, str(path), stage, neural)
        return
    create = new_file if single_file else new_package
    written = create(path, stage, registry_with(()), neural=neural)
    name = path.stem.replace("_", "-")
    _print("Wrote:", map(str, written))
    click.echo()
    _print("Next:", _next_for_file(path, name, stage) if single_file else _next_for_package(path, name))


def _add(package: Path, name: str, stage: StageName, neural: bool) -> None:
    """Add a component to an existing package, and print what was written and what to do next."""
    from zoo.scaffold.existing_package import add_component

    written = add_component(package, name, stage, registry_with(()), neural=neural)
    _print("Wrote:", map(str, written.new))
    _print("Extended:", map(str, written.changed))
    click.echo()
    _print("Next:", [
        f"zoo plugin check {name}",
        f"zoo bench {package / f'example-{name}.toml'}",
    ])  # fmt: skip


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
