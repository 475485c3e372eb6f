"""`zoo report`: the table of a benchmark that was run before."""

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
    """Write the report of a benchmark's folder anew and print its table.

    What --keep writes is for a repository: config, seed, versions, machine, seconds and metrics, without the lists.
    """
    from zoo.benchmark.export import export
    from zoo.benchmark.report import markdown
    from zoo.benchmark.store import Store
    from zoo.cli.tables import print_results

    store = Store(folder)
    store.manifest()
    store.compose(markdown)
    print_results(store)
    if into is not None:
        for file in export(store, into):
            click.echo(f"Kept {file}")
