"""`zoo data prepare`: read a log once, so that later commands open it in moments."""

from __future__ import annotations

import time
from pathlib import Path

import click

from zoo.cli.data.named_data import load_named, set_and_items
from zoo.text_safety import show


@click.command()
@set_and_items
def prepare(
    *, file: Path, items: Path | None, users: Path | None, overrides: tuple[str, ...], plugins: tuple[Path, ...]
) -> None:
    """Sort the events of files into a folder of columns that later commands map into memory.

    FILE is an experiment file, or a file of events. The folder is in the cache, which the environment variable ZOO_CACHE names; see
    `zoo cache`. Sorting does not need to fit into memory. Every command prepares files of 100 MiB or more by itself.
    """
    from zoo.data.bounded_parquet import format_bytes
    from zoo.data.dataset import read_tables
    from zoo.data.prepared.folder import read_manifest
    from zoo.data.prepared.prepare import Source
    from zoo.data.prepared.prepare import prepare as prepare_source
    from zoo.errors import DataError

    experiment = load_named(file, items, users, overrides, plugins)
    settings, start = experiment.experiment, time.perf_counter()
    tables = read_tables(experiment.source.build(), experiment.source.origin)
    if settings.data.clean:
        raise DataError(
            f"{file}: data.clean lists cleaners, and a log with cleaners is read into memory: what they remove depends on the "
            f"split. Write the cleaned files once, `zoo data clean {file} --out DIR`, and prepare those."
        )
    source = Source.of(tables, settings.data, sessions_as_users=settings.split.unit == "session")
    if source is None:
        raise DataError(
            f'{file}: the source is {settings.data.source.name!r}, and only files can be prepared: use the source "files".'
        )
    was_there = read_manifest(source.folder) is not None
    prepared = prepare_source(source, lambda holder: click.echo(f"waiting for {holder}", err=True))
    for title, count in prepared.notes.items():
        click.echo(f"{show(title)}: {count:,}" if isinstance(count, int) else f"{show(title)}: {show(count)}")
    done = "was prepared before" if was_there else f"prepared in {time.perf_counter() - start:.1f} s"
    click.echo(f"{done}, {format_bytes(prepared.size)} in {prepared.folder}")
