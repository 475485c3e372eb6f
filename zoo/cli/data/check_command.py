"""`zoo data check`: whether the table of an experiment could name a false winner."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from zoo.cli.data.named_data import load_named, set_and_items
from zoo.cli.output import echo_json, json_option
from zoo.text_safety import show


@click.command()
@set_and_items
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    file: Path,
    items: Path | None,
    users: Path | None,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Check whether the table of an experiment could name a false winner, without fitting anything.

    Prints what was read first: rows, events, users, items, the time range, and the rows that were left out.

    FILE is an experiment file, or a file of events, which is read and split with the defaults of [data] and [split]; change
    them with --set. `zoo bench` and `zoo fit` run the same checks. The exit code is 1 if something was found that `[data] accept`
    does not name.
    """
    from zoo.benchmark.tables.check_report import format_finding
    from zoo.data.checks.all_checks import CHECKS, check_experiment
    from zoo.data.checks.finding import open_findings
    from zoo.data.log_summary import summarise_log
    from zoo.data.task import load_task

    experiment = load_named(file, items, users, overrides, plugins)
    task = load_task(experiment)
    findings = check_experiment(experiment, task)
    warnings = open_findings(findings)
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for title, text in summarise_log(task.log, task.notes):
            click.echo(f"{title:<10} {show(text)}")
        for finding in warnings:
            click.echo(format_finding(finding))
        for finding in findings:
            if finding.accepted:
                click.echo(f"Check {finding.number} ({finding.name}), accepted by data.accept: {show(finding.found)}")
        click.echo(f"{len(CHECKS)} checks: {len(warnings)} {'warning' if len(warnings) == 1 else 'warnings'}.")
    ctx.exit(1 if warnings else 0)
