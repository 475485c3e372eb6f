"""The command `zoo`: its subcommands, and how an error reaches whoever typed it."""

from __future__ import annotations

import os
import traceback
from typing import Any

import click

from zoo.cli.bench_command import bench
from zoo.cli.config_command import config
from zoo.cli.doctor_command import doctor
from zoo.cli.entry import INTERRUPTED
from zoo.cli.fit_command import fit
from zoo.cli.list_command import list_components
from zoo.cli.plugin_command import plugin
from zoo.cli.recommend_command import recommend
from zoo.cli.report_command import report
from zoo.cli.show_command import show
from zoo.errors import ZooError
from zoo.version import __version__

USER_ERROR = 2
KEPT = {
    "bench": ": finished runs are kept, and the same command goes on from there",
    "fit": ": the same command goes on from the last epoch that was kept",
}
"""What an interrupted command leaves behind."""


class _Zoo(click.Group):
    """A group whose commands fail with a message instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; `ZOO_DEBUG=1` shows where an error comes from."""
        try:
            return super().invoke(ctx)
        except ZooError as error:
            if os.environ.get("ZOO_DEBUG"):
                traceback.print_exc()
            click.echo(f"zoo: {error}", err=True)
            ctx.exit(USER_ERROR)
        except KeyboardInterrupt:
            click.echo(f"\nzoo: interrupted{KEPT.get(ctx.invoked_subcommand or '', '')}.", err=True)
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which one meets them."""
        return list(self.commands)


EXAMPLES = """\b
Examples:
  zoo list                             what is installed
  zoo show als                         what a model is and takes
  zoo bench examples/quickstart.toml   fit, measure, compare
"""


@click.group(cls=_Zoo, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo")
def main() -> None:
    """Pick recommendation models by name, train and compare them all in the same way."""


for _command in (list_components, show, bench, report, fit, recommend, config, plugin, doctor):
    main.add_command(_command)
