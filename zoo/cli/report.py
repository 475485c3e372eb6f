"""`zoo report`: the table of a benchmark that was run before."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE


@click.command()
@click.argument("folder", type=FILE)
def report(folder: Path) -> None:
    """Write the report of a benchmark's folder anew and print its table."""
    from zoo.benchmark.report import markdown
    from zoo.benchmark.store import Store
    from zoo.cli.tables import print_results

    store = Store(folder)
    store.manifest()
    store.compose(markdown)
    print_results(store)
