"""`zoo compare`: two models, query by query."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option
from zoo.text_safety import show_lines


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--metric", help="The metric, such as ndcg@10; by default the first that has a value for each query.")
@click.option(
    "--folder", type=FILE, help="The results folder of a label alone; by default the folder that the other side names."
)
@json_option
@plugin_option
def compare(
    *, a: str, b: str, metric: str | None, folder: Path | None, as_json: bool, plugins: tuple[Path, ...]
) -> None:
    """Compare two models query by query: what differs between them, by how much, and on which queries.

    A and B are each FOLDER:LABEL, a folder with one model, a label of --folder, or a file of lists that another program made, which is
    judged by the task of the other side (see `zoo score`).

    The difference is B minus A, over the same queries, with its 95 % interval. Slices are groups of queries by history, user and
    targets; they need the data of the folder.
    """
    from zoo.benchmark.compare.compare_rows import compare as compare_models

    found = compare_models(a, b, metric=metric, folder=folder, plugins=plugins)
    if as_json:
        echo_json(found.as_json())
    else:
        click.echo(show_lines(repr(found)))
