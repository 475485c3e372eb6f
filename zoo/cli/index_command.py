"""`zoo index`: give an artifact an index of its item vectors, so that it answers without scoring every item."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.output import FILE, plugin_option


@click.command()
@click.argument("folder", type=FILE)
@click.option(
    "--out", type=FILE, required=True, help="The folder of the new artifact; it may be FOLDER, which is then replaced."
)
@click.option(
    "--connectivity",
    type=click.IntRange(2, 256),
    default=16,
    show_default=True,
    help="Neighbours of an item in the index.",
)
@click.option(
    "--expansion-add",
    type=click.IntRange(1, 65_536),
    default=96,
    show_default=True,
    help="Candidates for these neighbours.",
)
@click.option(
    "--expansion-search",
    type=click.IntRange(1, 65_536),
    default=256,
    show_default=True,
    help="Candidates of a search; more find more and take longer.",
)
@plugin_option
def index(
    *, folder: Path, out: Path, connectivity: int, expansion_add: int, expansion_search: int, plugins: tuple[Path, ...]
) -> None:
    """Write the artifact in FOLDER with an index of its item vectors (usearch), and print what the index finds.

    For a large catalogue, and a model whose scores are products of vectors (als, bpr-mf, networks). Lists are then found without scoring
    every item; what they contain is scored, and held to rules and filters, exactly as before.
    """
    from zoo.artifacts.saving import load_artifact

    artifact = load_artifact(folder, plugins=plugins).with_retriever(
        connectivity=connectivity, expansion_add=expansion_add, expansion_search=expansion_search
    )
    artifact.save(out)
    click.echo(f"{artifact.pipeline.model.label} in {out}: {artifact.retriever}")
