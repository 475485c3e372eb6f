"""`zoo reproduce`: run a recipe and print its figures beside the published ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table as RichTable

from zoo.cli.interruption import say_what_is_kept
from zoo.cli.output import FILE, console, echo_json, json_option, plugin_option, wait_option
from zoo.text_safety import show

if TYPE_CHECKING:
    from zoo.benchmark.reproduce import Reproduction


@click.command()
@click.argument("model")
@click.option("--recipe", help="The recipe, as `zoo show MODEL` lists them; the first one by default.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="The number of seeds.")
@click.option("--out", type=FILE, help="The folder of the results; runs/MODEL-RECIPE by default.")
@wait_option
@json_option
@plugin_option
@click.pass_context
def reproduce(
    ctx: click.Context,
    *,
    model: str,
    recipe: str | None,
    seeds: int,
    out: Path | None,
    wait: bool,
    as_json: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Run a recipe of MODEL and print what was measured beside the published figures.

    The data are read from the folder in the environment variable ZOO_DATA. Finished runs are kept: after an interruption, the same
    command resumes. The exit code is 1 if a figure is below the published one by more than its tolerance.
    """
    from zoo.benchmark.reproduce import reproduce as run
    from zoo.cli.progress_display import bars

    kept = out or Path("runs")
    with say_what_is_kept(kept, kept), bars() as progress:
        found = run(model, recipe, seeds=seeds, out=out, plugins=plugins, progress=progress, wait=wait)
    if as_json:
        echo_json(found.as_json())
    else:
        _print(found)
    if not found.reached:
        ctx.exit(1)


def _print(found: Reproduction) -> None:
    """Print the figures and where they come from."""
    out = console()
    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, header in enumerate(("metric", "published", "tolerance", "measured", "spread", "", "source")):
        table.add_column(header, justify="right" if 0 < at < 5 else "left", no_wrap=True)
    for each in found.figures:
        figure = each.figure
        table.add_row(
            figure.metric,
            f"{figure.value:g}",
            f"{figure.tolerance:g}",
            f"{each.mean:.4f}",
            "" if each.spread is None else f"{each.spread:.4f}",
            "reached" if each.reached else "not reached",
            show(figure.source),
        )
    out.print(table)
    seeds = f"mean of seeds {', '.join(map(str, found.seeds))}; " if len(found.seeds) > 1 else ""
    others = f" Other recipes of {found.model}: {', '.join(found.others)} (--recipe)." if found.others else ""
    line = f"{found.model}, recipe {found.recipe}: {seeds}{found.seconds:.0f} s of fits, in {found.folder}.{others}"
    out.print(show(line), style="dim", markup=False, soft_wrap=True)
