"""`zoo score`: lists that another program made, judged by the rules of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from zoo.cli.output import FILE, plugin_option, set_option, wait_option
from zoo.cli.report_command import write_page
from zoo.text_safety import show


@click.command()
@click.argument("lists", type=FILE, required=False)
@click.argument("experiment", type=FILE, required=False)
@click.option("--label", help="The name of the row; the name of the file by default.")
@click.option("--seed", type=int, help="The seed of the program that made the lists, if they depend on one.")
@click.option("--out", type=FILE, help="The folder of the results; runs/<name of EXPERIMENT> by default.")
@click.option(
    "--remove",
    metavar="LABEL",
    help="Remove the row LABEL from the folder --out instead, with --seed that of one seed.",
)
@wait_option
@set_option
@plugin_option
def score(
    *,
    lists: Path | None,
    experiment: Path | None,
    label: str | None,
    seed: int | None,
    out: Path | None,
    remove: str | None,
    wait: bool,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
) -> None:
    """Judge lists that another program made by the rules of an experiment, and add them to its table.

    LISTS is a Parquet, CSV, JSON Lines or Arrow file: a row for each user with `user_id` and `items`, a list of item ids, best first; or a
    row for each item with `user_id`, `item_id`, and `score` or `rank`. If a user has several test queries, `now` is the time of the
    query.

    A slot with an item that is unknown, not eligible, seen by the user or in the list already counts as a miss. The notes of the row
    count such slots, users without a list, and lists without a user. The row is marked `external`.

    `zoo score --remove LABEL --out FOLDER` removes such a row.
    """
    if remove is not None:
        given = {"LISTS": lists, "--label": label, "--set": overrides, "--plugin": plugins}
        _remove(remove, [name for name, value in given.items() if value not in (None, ())], seed, out, wait=wait)
        return
    if lists is None or experiment is None:
        raise click.UsageError(f"Missing argument '{'LISTS' if lists is None else 'EXPERIMENT'}'.")
    from zoo.benchmark.lists.score_lists import score as score_lists
    from zoo.cli.terminal_tables import print_results

    store = score_lists(
        lists, experiment, label=label, seed=seed, out=out, overrides=overrides, plugins=plugins, wait=wait
    )
    name = lists.stem if label is None else label
    for row in store.rows():
        if row.external and (row.label, row.seed) == (name, seed):
            for note in row.notes:
                click.echo(f"zoo: {show(note)}", err=True)
    print_results(store)
    write_page(store.folder)


def _remove(label: str, others: Sequence[str], seed: int | None, out: Path | None, *, wait: bool) -> None:
    """Remove an external row and print the table that is left.

    Args:
        label: The name of the row.
        others: The given arguments and options that only scoring uses.
        seed: The seed of the row.
        out: The folder of the row.
        wait: Whether to wait for another process that uses the folder.

    Raises:
        UsageError: There is no folder, or something that only scoring uses.
    """
    from zoo.benchmark.lists.remove_lists import remove_lists
    from zoo.cli.terminal_tables import print_results
    from zoo.html_report.writing import NAME

    usage = "zoo score --remove LABEL --out FOLDER"
    if out is None:
        raise click.UsageError(f"--remove takes the folder of the row: {usage}")
    if others:
        raise click.UsageError(f"--remove takes --out, --seed and --wait, found {', '.join(others)}: {usage}")
    store = remove_lists(out, label, seed=seed, wait=wait)
    if store.rows():
        print_results(store)
        write_page(store.folder)
    else:
        (store.folder / NAME).unlink(missing_ok=True)  # there is nothing to report any more
        click.echo(f"{store.folder} has no row any more.")
