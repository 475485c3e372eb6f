"""`zoo doctor`: load every plugin and report errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import console, echo_json, json_option, plugin_option

if TYPE_CHECKING:
    from zoo.registry.plugin import Broken, Plugin
    from zoo.registry.registry import Registry

PRINTED = 5
"""Number of lines to show of what a plugin printed."""


@click.command()
@json_option
@plugin_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, plugins: tuple[Path, ...]) -> None:
    """Load every plugin and component, and report errors.

    Each plugin is shown with the seconds that its import took and what it printed, followed by the names that several
    components share. The exit code is 1 if anything is broken.
    """
    from zoo.registry.registry import Registry, default_registry

    registry = Registry.discover(plugins) if plugins else default_registry()
    findings = examine_plugins(registry)
    if as_json:
        echo_json(findings)
    else:
        _print(findings, registry.shadowed())
    if any(plugin["errors"] for plugin in findings):
        ctx.exit(1)


def examine_plugins(registry: Registry) -> list[dict[str, Any]]:
    """Load all components and return the findings per plugin, including broken plugins."""
    from zoo.errors import PluginError
    from zoo.registry.api_names import describe_newer_names
    from zoo.registry.plugin_extensions import import_target

    findings: list[dict[str, Any]] = []
    shadowed = registry.shadowed()
    for plugin in registry.plugins:
        loaded, errors = [], []
        for component in (c for c in registry.components() if c.plugin is plugin):
            try:
                component.target()
                loaded.append(f"{component.spec.stage} {component.name}")
            except PluginError as error:
                errors.append(str(error))
        for kind, specs in plugin.extensions.items():
            for spec in specs:
                try:
                    import_target(spec.target, f"{kind.replace('-', ' ')} {spec.name!r}")
                    loaded.append(f"{kind} {spec.name}")
                except PluginError as error:
                    errors.append(str(error))
        notes = [*plugin.warnings, *describe_newer_names(plugin)]
        own = [line for line in shadowed if f"{plugin.distribution}/" in line]
        findings.append(_finding(plugin, loaded, notes, errors, own))
    findings += [_finding(broken, [], [], [broken.error], []) for broken in registry.broken]
    return sorted(findings, key=lambda f: (f["distribution"], f["name"]))


def _finding(
    plugin: Plugin | Broken, loaded: list[str], warnings: list[str], errors: list[str], shadowed: list[str]
) -> dict[str, Any]:
    """Return the findings of a plugin."""
    return {
        "distribution": plugin.distribution,
        "version": plugin.version,
        "name": plugin.name,
        "components": loaded,
        "warnings": warnings,
        "errors": errors,
        "seconds": round(plugin.imported.seconds, 3),
        "printed": plugin.imported.printed,
        "shadowed": shadowed,
    }


def _print(findings: list[dict[str, Any]], shadowed: list[str]) -> None:
    """Print the findings and a summary."""
    from rich.markup import escape

    out = console()
    for finding in findings:
        state = "[red]broken[/red]" if finding["errors"] else "[green]good[/green]"
        out.print(f"{state}  [bold]{finding['distribution']}[/bold] {finding['version']} ({finding['name']})")
        if finding["components"]:
            out.print(f"        {', '.join(finding['components'])}", style="dim")
        out.print(f"        imported in {finding['seconds']:.2f} s", style="dim")
        for label, colour in (("warnings", "yellow"), ("errors", "red")):
            for line in finding[label]:
                out.print(f"        [{colour}]{label[:-1]}[/{colour}]: {escape(line)}")
        for line in finding["printed"].splitlines()[:PRINTED]:
            out.print(f"        [yellow]printed during its import[/yellow]: {escape(line)}")
    for line in shadowed:
        out.print(f"[yellow]shared name[/yellow]: {escape(line)}")
    broken = sum(bool(finding["errors"]) for finding in findings)
    out.print(f"\n{len(findings)} plugins, {broken} broken." if broken else f"\n{len(findings)} plugins, all good.")
