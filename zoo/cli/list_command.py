"""`zoo list`: list the installed components."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from zoo.cli.output import console, echo_json, json_option, plugin_option, registry_with, warn_of_broken
from zoo.registry.extensions import EXTENSIONS, list_extensions
from zoo.spec import STAGES, StageName


@click.command("list")
@click.option(
    "--stage",
    type=click.Choice([*STAGES, *EXTENSIONS]),
    help="Only components of this stage, or only losses, samplers, split policies or candidate features.",
)
@json_option
@plugin_option
def list_components(stage: str | None, as_json: bool, plugins: tuple[Path, ...]) -> None:
    """List the installed components, and what plugins add besides: losses, negative samplers, split policies, candidate features."""
    registry = registry_with(plugins)
    components = [] if stage in EXTENSIONS else registry.components(cast(StageName | None, stage))
    listed = sorted(components, key=lambda c: STAGES.index(c.spec.stage))
    extensions = [] if stage in STAGES else list_extensions(registry, stage)
    if stage is None:  # those of the core are on the pages of the settings that select them
        extensions = [extension for extension in extensions if extension.plugin is not None]
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
        ] + [
            {
                "name": e.name,
                "qualified_name": f"{e.distribution}/{e.name}",
                "stage": e.kind,
                "summary": e.summary,
                "aliases": [],
                "distribution": e.distribution,
                "version": e.version,
            }
            for e in extensions
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
        for e in extensions:
            table.add_row(e.kind, e.name, escape(e.summary), e.distribution)
        console().print(table)
    warn_of_broken(registry)
    if registry.install_note:
        click.echo(registry.install_note, err=True)
