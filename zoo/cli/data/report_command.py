"""`zoo data report`: what is in data, what is wrong with them, and a proposed experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.data.named_data import EXPERIMENT, load_named, set_and_items
from zoo.cli.output import FILE, echo_json, json_option
from zoo.text_safety import show

if TYPE_CHECKING:
    from zoo.data.analysis.analyse import DataReport

OUT = Path("data-report")


@click.command("report")
@set_and_items
@click.option(
    "--out", type=FILE, default=OUT, show_default=True, help="The folder to write; an older report is replaced."
)
@json_option
def report_data(
    *,
    file: Path,
    items: Path | None,
    users: Path | None,
    out: Path,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show what is in data and what is wrong with them, and propose an experiment, without fitting anything.

    Writes data.html (a page that works offline), data.json (the same as values) and proposed.toml (an experiment that is ready to
    run, each line with its reason).

    FILE is an experiment file, of which only [data] is used, or a file of events. Columns of a file of events whose names differ
    from the known ones are guessed, and the report says what was guessed; name them with --set data.columns.user_id=... .
    """
    from zoo.data.analysis.analyse import analyse
    from zoo.html_report.data_page import write_data_report

    experiment = load_named(file.absolute(), items, users, overrides, plugins)
    report = analyse(experiment, file.name, guess=file.suffix != EXPERIMENT)
    written = write_data_report(report, out)
    if as_json:
        echo_json(report.as_json())
    else:
        _print(report, written)


def _print(report: DataReport, written: list[Path]) -> None:
    """Print a short summary."""
    size, histories = report.size, report.histories
    types = ", ".join(f"{name} {count:,}" for name, count in size.events.items())
    lines = [
        ("events", f"{size.n_events:,} ({types})"),
        (size.user_kind, f"{size.users:,}; {histories.per_user.median:g} events each (median)"),
        (
            "items",
            f"{size.items:,}; the top 1 % have {histories.top_1:.1%} of the events, the top 20 % {histories.top_20:.1%}",
        ),
        ("time", size.period or "none"),
        ("repeats", f"{size.repeats:.1%} of the events are of an item that the user had before"),
        *(("guessed", sentence) for sentence in report.guessed),
        *([("not used", ", ".join(report.unused))] if report.unused else []),
    ]
    if report.split is not None:
        queries = ", ".join(f"{count:,} {part} queries" for part, count in report.split.queries.items())
        lines.append(("split", f"{report.split.name}: {report.split.train:,} training events, {queries}"))
    for title, text in lines:
        click.echo(f"{title:<9} {show(text)}")
    for fault in report.faults:
        click.echo(f"- {show(str(fault), 400)}")
    click.echo(f"{len(report.faults)} {'finding' if len(report.faults) == 1 else 'findings'}.")
    for path in written:
        click.echo(f"Wrote {path}")
    if report.proposal:
        click.echo(f"Run the proposal: zoo bench {written[-1]}")
