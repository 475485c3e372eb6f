"""`zoo plugin check`: run the conformance checks and print how to fix failures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import console, echo_json, json_option, plugin_option, registry_with, stage_option
from zoo.errors import PluginError, UnknownComponentError
from zoo.spec import StageName

if TYPE_CHECKING:
    from zoo.registry.component import Component
    from zoo.registry.registry import Registry
    from zoo.testing.cases import Case, Result

COLOURS = {"passed": "green", "failed": "red", "failed as expected": "yellow", "not applicable": "dim"}


@click.command()
@click.argument("name")
@stage_option
@click.option("--failed", "only_failed", is_flag=True, help="Show only failed checks; JSON output has all.")
@json_option
@plugin_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    name: str,
    stage: StageName | None,
    only_failed: bool,
    as_json: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Run the conformance checks on a plugin or on one component.

    NAME is the name of a plugin, a distribution or a component. The exit code is 1 if a check fails.
    """
    from zoo.testing.cases import cases

    components = find_components(registry_with(plugins), name, stage)
    done = ((case, case.result()) for case in cases(components))
    rows = [_row(case, result) for case, result in done] if as_json else list(_print_rows(done, only_failed))
    if as_json:
        echo_json(rows)
    else:
        _sum_up(rows, len(components))
    if any(row["outcome"] == "failed" for row in rows):
        ctx.exit(1)


def find_components(registry: Registry, name: str, stage: StageName | None) -> list[Component]:
    """Return the components of the plugin with a name, or else the components with that name.

    Raises:
        PluginError: The plugin of that name is broken.
        UnknownComponentError: No plugin and no component of the stage has the name.
    """
    broken = [b for b in registry.broken if _alike(name) in (_alike(b.name), _alike(b.distribution))]
    if broken:
        raise PluginError(f"the plugin {broken[0].distribution} does not load: {broken[0].error}")
    found = [
        component
        for component in registry.components(stage)
        if _alike(name) in (_alike(component.plugin.name), _alike(component.plugin.distribution))
    ]
    found = found or [c for c in registry.find_any(name) if stage in (None, c.spec.stage)]
    if not found:
        raise UnknownComponentError(f"no component named {name!r} that is a {stage}: leave --stage out")
    return found


def _alike(name: str) -> str:
    """Return the normalized form of a distribution name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _row(case: Case, result: Result) -> dict[str, Any]:
    """Return the result of a case as JSON."""
    return {
        "component": case.subject.component.qualified_name,
        "stage": case.subject.stage,
        "check": case.check_id,
        "outcome": result.outcome,
        "what": case.check.sentence,
        "detail": result.detail,
        "remedy": case.check.remedy if result.outcome == "failed" else "",
        "docs": f"reference/conformance.md#{case.check.name}",
    }


def _print_rows(done: Iterable[tuple[Case, Result]], only_failed: bool) -> Iterator[dict[str, Any]]:
    """Print one line per case as it finishes, grouped by component, and yield all results as JSON."""
    from rich.markup import escape

    out, latest = console(), ""
    for case, result in done:
        row = _row(case, result)
        yield row
        if only_failed and result.outcome != "failed":
            continue
        title = f"{row['stage']} {row['component']}"
        if title != latest:
            out.print(f"{chr(10) if latest else ''}[bold]{title}[/bold]")
            latest = title
        colour = COLOURS[result.outcome]
        out.print(f"  {case.check_id:32} [{colour}]{result.outcome}[/{colour}]{_why(result)}", soft_wrap=True)
        if result.outcome == "failed":
            out.print(f"      {escape(case.check.sentence)}", style="dim", soft_wrap=True)
            out.print(f"      found:  {escape(result.detail)}", soft_wrap=True)
            out.print(f"      change: {escape(case.check.remedy)}", soft_wrap=True)


def _why(result: Result) -> str:
    """Return the reason why a case was not applicable or failed as expected."""
    from rich.markup import escape

    return f"[dim]: {escape(result.detail)}[/dim]" if result.outcome in ("not applicable", "failed as expected") else ""


def _sum_up(rows: list[dict[str, Any]], n: int) -> None:
    """Print the summary."""
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in COLOURS}
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    click.echo(f"\n{n} component{'s' * (n != 1)}: {summary}.")
