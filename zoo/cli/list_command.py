"""`zoo list`: list the installed components."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import console, echo_json, json_option, plugin_option, registry_with, stage_option, warn_of_broken
from zoo.spec import STAGES, StageName


@click.command("list")
@stage_option
@json_option
@plugin_option
def list_components(stage: StageName | None, as_json: bool, plugins: tuple[Path, ...]) -> None:
    """List the installed components."""
    registry = registry_with(plugins)
    listed = sorted(registry.components(stage), key=lambda c: STAGES.index(c.spec.stage))
    if as_json:
        echo_json([
            {
                "name": c.name,
                "qualified_name": c.qualified_name,
                "stage": c.spec.stage,
                "summary": c.spec.summary,
                "aliases": list(c.spec.aliases),
                "distribution": c.plugin.distribution,
                "version": c.plugin.version,
            }
            for c in listed
        ])  # fmt: skip
    else:
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("stage", style="dim", no_wrap=True)
        table.add_column("name", style="cyan", no_wrap=True)
        table.add_column("what it is")
        table.add_column("plugin", style="dim", no_wrap=True)
        for c in listed:
            table.add_row(c.spec.stage, c.name, escape(c.spec.summary), c.plugin.distribution)
        console().print(table)
    warn_of_broken(registry)
    if registry.install_note:
        click.echo(registry.install_note, err=True)
