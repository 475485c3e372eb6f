"""`zoo report`: rewrite the reports of finished benchmarks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from zoo.cli.output import FILE
from zoo.errors import ComponentError


@click.command()
@click.argument("folders", type=FILE, nargs=-1, required=True, metavar="FOLDER...")
@click.option(
    "--out",
    type=FILE,
    metavar="FILE",
    help="The HTML file; by default report.html in the folder, or in the current directory for several folders.",
)
@click.option(
    "--without-users", is_flag=True, help="Leave the sampled users, with ids and histories, out of the HTML file."
)
@click.option(
    "--keep",
    "into",
    type=FILE,
    metavar="DIR",
    help="Also write the finished runs into DIR/<data set>.jsonl, a line each.",
)
def report(folders: tuple[Path, ...], out: Path | None, without_users: bool, into: Path | None) -> None:
    """Rewrite the reports of benchmark folders and print their tables.

    Folders with the same data, split and evaluation have one table together; the others are not compared, and a sentence says what
    differs. report.md is rewritten in each folder. report.html is one file for all folders, with charts, learning curves, slices and
    the lists of sampled users; it needs no network.

    The file of --keep is meant for a repository: config, seed, versions, machine, timings and metrics, without the lists.
    Its lines of other runs stay.
    """
    from zoo.benchmark.results_folder.export import export
    from zoo.benchmark.results_folder.joined_results import format_not_joined, join_folders
    from zoo.benchmark.results_folder.json_records import refusing_damage
    from zoo.benchmark.results_folder.snapshot import StoreSnapshot
    from zoo.benchmark.results_folder.store import Store
    from zoo.benchmark.tables.report import markdown
    from zoo.cli.terminal_tables import print_results
    from zoo.html_report.writing import report as write

    stores = [Store(folder) for folder in folders]
    for store in stores:
        store.manifest()
    for store in stores:
        with refusing_damage(store.folder):
            store.compose(markdown)
    joined = join_folders([StoreSnapshot(store.folder) for store in stores])
    for each in joined:
        with refusing_damage(each.folder):
            print_results(each)
    for line in format_not_joined(joined):
        click.echo(line)
    click.echo(f"Open {write(*stores, out=out, users=not without_users)} in a browser.")
    if into is not None:
        for store in stores:
            if file := export(store, into):
                click.echo(f"Kept the finished runs in {file}")


def import_report() -> None:
    """Import what `write_page` needs, so that an update of the package during a long run cannot break the report at its end."""
    import zoo.html_report.writing  # noqa: F401
    from zoo.html_report.rendering import require_jinja2

    with suppress(ComponentError):  # `write_page` says what to install
        require_jinja2()


def write_page(folder: Path) -> None:
    """Write the HTML report of a folder and print where it is; without Jinja2, what to install."""
    from zoo.html_report.writing import report as write

    try:
        click.echo(f"Open {write(folder)} in a browser.")
    except ComponentError as missing:
        click.echo(f"{missing}")
