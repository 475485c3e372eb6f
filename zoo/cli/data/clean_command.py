"""`zoo data clean`: write the cleaned tables of an experiment, and every removed row with its reason."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE, plugin_option, registry_with, set_option
from zoo.text_safety import show


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write; it must not exist.")
@set_option
@plugin_option
def clean(*, file: Path, out: Path, overrides: tuple[str, ...], plugins: tuple[Path, ...]) -> None:
    """Write the data of an experiment after the cleaners of [data] clean.

    FILE is an experiment file. The folder gets `interactions.parquet` (the remaining rows with all of their columns),
    `items.parquet` and `users.parquet` if there are such tables, `rejected.parquet` (every removed row, with `cleaner` and `reason`),
    `report.md`, and `cleaned.json` for `zoo data describe`. The folder is complete or absent. Choose other cleaners with --set 'data.clean=["duplicates"]'.
    """
    from zoo.config.load import load_experiment
    from zoo.data.analysis.proposal import format_literal
    from zoo.data.cleaned_folder import write_cleaned
    from zoo.data.dataset import read_tables
    from zoo.data.log import read_events

    if out.exists():
        raise click.UsageError(f"--out: {out} exists already. Choose a new folder, or remove it.")
    experiment = load_experiment(file, overrides, registry_with(plugins)).require_recommend()
    settings = experiment.experiment
    if not experiment.cleaners:
        raise click.UsageError(
            f'{file}: data.clean lists no cleaner. Add one, such as clean = ["duplicates"]; `zoo list --stage cleaner` '
            "shows them all."
        )
    tables = read_tables(experiment.source.build(), experiment.source.origin)
    read = read_events(
        tables,
        settings.data,
        sessions_as_users=settings.split.unit == "session",
        cleaners=experiment.cleaners,
        split=settings.split,
    )
    about = {
        "source": experiment.source.as_json(),
        "settings": settings.data.changed(),
        "split": settings.split.model_dump(mode="json"),
        "cleaners": [cleaner.as_json() for cleaner in experiment.cleaners],
    }
    counts = write_cleaned(read, tables, settings.data, out, experiment.variables.hide(about))
    for name, value in read.notes.items():
        if name.startswith(("left out", "items replaced", "column ", "cleaner ")) and value:
            click.echo(show(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}"))
    click.echo(show(f"{out}: " + ", ".join(f"{count:,} rows of {name}" for name, count in counts.items())))
    tables_of_source = ("interactions", "items", "users")
    source = {"name": "files", **{name: str(out / f"{name}.parquet") for name in tables_of_source if name in counts}}
    click.echo(
        "In an experiment file they stand in place of source, clean, columns, item_columns and user_columns of [data]:"
    )
    click.echo(f"source = {format_literal(source)}")
