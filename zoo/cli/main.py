"""The command `zoo`: its subcommands and error handling."""

from __future__ import annotations

import os
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.bench_command import bench
from zoo.cli.cache_command import cache
from zoo.cli.compare_command import compare
from zoo.cli.config_command import config
from zoo.cli.data.group import data
from zoo.cli.demo_command import demo
from zoo.cli.doctor_command import doctor
from zoo.cli.explain_command import explain_list
from zoo.cli.fit_command import fit
from zoo.cli.index_command import index
from zoo.cli.list_command import list_components
from zoo.cli.machine_errors import explain
from zoo.cli.plugin_command import plugin
from zoo.cli.plugin_commands import PluginCommand, missing_note, plugin_commands
from zoo.cli.recommend_command import recommend
from zoo.cli.report_command import report
from zoo.cli.reproduce_command import reproduce
from zoo.cli.score_command import score
from zoo.cli.show_command import show
from zoo.cli.signals import Signals
from zoo.cli.verify_command import verify
from zoo.errors import ZooError
from zoo.registry.plugin import describe_error
from zoo.text_safety import show_lines
from zoo.tracebacks import VARIABLE, find_author_line, show_traceback, wants_traceback
from zoo.version import __version__

USER_ERROR = 2


class _Zoo(click.Group):
    """A group whose commands print errors as messages instead of tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and print its error as a sentence."""
        before = os.environ.get(VARIABLE)
        try:
            return self._invoke(ctx)
        finally:  # the option of one command is not that of the next in this process
            if before is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = before

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ZooError as error:
            show_traceback(error)
            click.echo(f"zoo: {show_lines(str(error))}", err=True)
            ctx.exit(USER_ERROR)
        except SystemExit as error:
            if (place := _outside(error)) is None:
                raise
            click.echo(
                f"zoo: a plugin ended the process: SystemExit({error.code!r}) ({place}). Correct the plugin.", err=True
            )
            ctx.exit(USER_ERROR)
        except KeyboardInterrupt as error:
            signals = ctx.ensure_object(Signals)
            with suppress(OSError):  # after SIGHUP the terminal is gone
                click.echo(f"\nzoo: {signals.sentence}{error}.", err=True)
            ctx.exit(signals.exit_code)
        except Exception as error:
            if not find_author_line(error) or explain(error):  # of the core, or of the machine
                raise
            show_traceback(error)
            more = "" if wants_traceback() else " Add --traceback to see the calls that led to it."
            click.echo(f"zoo: {show_lines(describe_error(error))}.{more}", err=True)
            ctx.exit(USER_ERROR)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a user needs them, then those of plugins."""
        return [*self.commands, *plugin_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; of a plugin's, only its name and summary, so that help and completion import nothing heavy."""
        return self.commands.get(cmd_name) or plugin_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is to run, imported if it is a plugin's."""
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message}{missing_note()}", ctx) from error
        if isinstance(command, PluginCommand):
            command = command.load()
            _add_traceback_option(command)
        return name, command, rest


def _outside(error: SystemExit) -> str | None:
    """Return the file and line outside the core that ended the process; None if the core itself did."""
    frames = traceback.extract_tb(error.__traceback__)
    core = str(Path(zoo.__file__).parent)
    return None if not frames or frames[-1].filename.startswith(core) else f"{frames[-1].filename}:{frames[-1].lineno}"


EXAMPLES = """\b
Examples:
  zoo demo            compare ten models on the built-in shop
  zoo list            list the installed components
  zoo show als        describe a model and its parameters
  zoo bench my.toml   fit, evaluate and compare models
"""


@click.group(cls=_Zoo, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo")
def main() -> None:
    """Train and compare recommendation models, chosen by name, under one protocol."""


def _set_traceback(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        os.environ[VARIABLE] = "1"  # processes that the command starts know it too


def _add_traceback_option(command: click.Command) -> None:
    """Add `--traceback` to a command, or to each command of a group."""
    for part in command.commands.values() if isinstance(command, click.Group) else ():
        _add_traceback_option(part)
    if not isinstance(command, click.Group) and not any("--traceback" in option.opts for option in command.params):
        command.params.append(
            click.Option(
                ["--traceback"],
                is_flag=True,
                expose_value=False,
                callback=_set_traceback,
                help="Print the Python traceback of an error.",
            )
        )


for _command in (
    demo,
    list_components,
    show,
    bench,
    report,
    compare,
    reproduce,
    score,
    verify,
    fit,
    index,
    recommend,
    explain_list,
    config,
    data,
    cache,
    plugin,
    doctor,
):
    _add_traceback_option(_command)
    main.add_command(_command)
