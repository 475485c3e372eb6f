"""`zoo verify`: whether a results folder is what it says."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option
from zoo.text_safety import show, show_lines


@click.command()
@click.argument("folder", type=FILE)
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="The number of rows to run again.",
)
@json_option
@plugin_option
@click.pass_context
def verify(ctx: click.Context, *, folder: Path, sample: int, as_json: bool, plugins: tuple[Path, ...]) -> None:
    """Recompute every metric of a results folder from its lists, without running a model, and run a sample of rows again.

    Reads the data of the experiment, matches the lists of each row with their targets, and compares rows, lists and composed files. With
    --sample, N rows chosen at random are fitted and measured again: reproduced, drifted (by how much), or impossible (why).

    Prints one line if everything agrees. Otherwise the exit code is 1, and each finding is a line.
    """
    from zoo.benchmark.verify.verify import verify as verify_folder

    found = verify_folder(folder, sample=sample, plugins=plugins, tell=lambda line: click.echo(show(line), err=True))
    if as_json:
        echo_json(found.as_json())
    else:
        click.echo(show_lines(repr(found)))
    ctx.exit(0 if found.ok else 1)
