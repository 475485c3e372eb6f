"""`zoo report`: rewrite the report of a finished benchmark."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE


@click.command()
@click.argument("folder", type=FILE)
@click.option(
    "--keep", "into", type=FILE, metavar="DIR", help="Also write a small file for each finished run into DIR."
)
def report(folder: Path, into: Path | None) -> None:
    """Rewrite the report of a benchmark folder and print its table.

    The files of --keep are meant for a repository: config, seed, versions, machine, timings and metrics, without the
    lists.
    """
    from zoo.benchmark.export import export
    from zoo.benchmark.report import markdown
    from zoo.benchmark.store import Store
    from zoo.cli.terminal_tables import print_results

    store = Store(folder)
    store.manifest()
    store.compose(markdown)
    print_results(store)
    if into is not None:
        for file in export(store, into):
            click.echo(f"Kept {file}")
