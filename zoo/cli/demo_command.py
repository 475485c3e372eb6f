"""`zoo demo`: run the experiment on the built-in shop, which the package contains."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.bench_command import bench
from zoo.cli.output import FILE
from zoo.errors import ConfigError

EXPERIMENT = Path(__file__).with_name("demo.toml")


@click.command()
@click.option(
    "--out",
    type=FILE,
    default=Path("runs", "demo"),
    show_default=True,
    metavar="FOLDER",
    help="The folder of the results.",
)
@click.option(
    "--config", "prints", is_flag=True, help="Print the experiment file instead, to change it for `zoo bench`."
)
@click.pass_context
def demo(ctx: click.Context, out: Path, prints: bool) -> None:
    """Compare ten models on the built-in shop; nothing to download.

    It takes a minute or two. After an interruption, the same command resumes.
    """
    from zoo.registry.registry import default_registry

    if prints:
        click.echo(EXPERIMENT.read_text(encoding="utf-8"), nl=False)
    elif note := default_registry().install_note:
        raise ConfigError(f"the demo compares models of plugins. {note}")
    else:
        ctx.invoke(bench, file=EXPERIMENT, out=out)
