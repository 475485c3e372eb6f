"""Shared parts of the commands: options, and output of tables and JSON."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.spec import STAGES

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.registry.registry import Registry

FILE = click.Path(path_type=Path)

plugin_option = click.option(
    "--plugin", "plugins", multiple=True, type=FILE, metavar="FILE.py",
    help="A Python file to load as a plugin; may be repeated.",
)  # fmt: skip
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE",
    help="Override a value of the file, e.g. model.als.predictor.factors=32; may be repeated.",
)  # fmt: skip
wait_option = click.option(
    "--wait",
    is_flag=True,
    help="Wait for another process that writes to the same folder, instead of ending with an error.",
)
stage_option = click.option("--stage", type=click.Choice(STAGES), help="Only components of this stage.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def registry_with(plugins: tuple[Path, ...]) -> Registry:
    """Return the registry of the installed plugins and the given single-file plugins; a command that needs none imports none.

    Raises:
        PluginError: A given file does not load.
    """
    from zoo.registry import registry

    return registry.registry_with(plugins)


def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; for a pipe or a file, wide enough to avoid line breaks."""
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            """Raise the error that `click` ends quietly, as for other output; rich itself would end the process.

            Raises:
                BrokenPipeError: Always.
            """
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    stream = sys.stderr if stderr else sys.stdout
    return PipeConsole(file=stream, width=None if stream.isatty() else 200, highlight=False)


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def warn_of_broken(registry: Registry) -> None:
    """Print the plugins that failed to load to stderr."""
    if registry.broken:
        names = ", ".join(sorted({b.distribution for b in registry.broken}))
        click.echo(f"These plugins failed to load: {names}. `zoo doctor` shows why.", err=True)
