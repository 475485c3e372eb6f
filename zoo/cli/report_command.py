"""`zoo report`: rewrite the report of a finished benchmark."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE


@click.command()
@click.argument("folder", type=FILE)
@click.option(
    "--keep",
    "into",
    type=FILE,
    metavar="DIR",
    help="Also write the finished runs into DIR/<data set>.jsonl, a line each.",
)
def report(folder: Path, into: Path | None) -> None:
    """Rewrite the report of a benchmark folder and print its table.

    The file of --keep is meant for a repository: config, seed, versions, machine, timings and metrics, without the lists.
    Its lines of other runs stay.
    """
    from zoo.benchmark.export import export
    from zoo.benchmark.json_records import refusing_damage
    from zoo.benchmark.report import markdown
    from zoo.benchmark.store import Store
    from zoo.cli.terminal_tables import print_results

    store = Store(folder)
    store.manifest()
    with refusing_damage(folder):
        store.compose(markdown)
        print_results(store)
    if into is not None and (file := export(store, into)):
        click.echo(f"Kept the finished runs in {file}")
