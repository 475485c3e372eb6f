"""`zoo data describe`: which data a run used, how they were read, and what was left out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import FILE, echo_json, json_option
from zoo.text_safety import show

if TYPE_CHECKING:
    from zoo.cli.data.described_data import DescribedData


@click.command()
@click.argument("folder", type=FILE, metavar="DIR")
@json_option
def describe(*, folder: Path, as_json: bool) -> None:
    """Show which data a run used: source, settings, fingerprint, counts, rows left out, cuts, cleaners and versions.

    DIR is a folder of results of `zoo bench`, an artifact of `zoo fit`, cleaned data of `zoo data clean`, or a prepared log of
    `zoo cache list`. The source itself is not read: two folders with the same fingerprint have the same data.
    """
    from zoo.cli.data.described_data import describe_data

    described = describe_data(folder)
    if as_json:
        echo_json(asdict(described))
        return
    lines = _lines(described)
    width = max(len(title) for title, _ in lines)
    for title, text in lines:
        click.echo(show(f"{title:<{width}}  {text}", 1000).rstrip())


def _lines(described: DescribedData) -> list[tuple[str, str]]:
    """Return the lines of the table: a title, empty where it is that of the line before, and a text."""
    from zoo.config.formatting import format_component

    prints = described.fingerprint
    parts = [
        ("folder", [f"{described.folder} ({described.kind})"]),
        ("source", _values(described.source) or ["not stored"]),
        ("settings", _values(described.settings) or ["the defaults of [data]"]),
        ("split", [", ".join(_values(described.split))] if described.split else []),
        ("cuts", _values(described.cuts)),
        ("fingerprint", [prints] if isinstance(prints, str) else _values(prints)),
        ("counts", [f"{name}: {count:,}" for name, count in described.counts.items()]),
        ("left out", [f"{name}: {_number(count)}" for name, count in described.left_out.items()] or ["nothing"]),
        ("cleaners", [format_component(cleaner) for cleaner in described.cleaners] or ["none"]),
        ("notes", [f"{name}: {_number(value)}" for name, value in described.notes.items()]),
        ("versions", [", ".join(f"{package} {version}" for package, version in described.versions.items())]),
    ]
    return [(title if at == 0 else "", text) for title, texts in parts for at, text in enumerate(texts)]


def _values(table: dict[str, Any]) -> list[str]:
    """Return a line for each entry of a table that is set."""
    from zoo.config.formatting import format_toml

    return [
        f"{name} = {value if isinstance(value, str) else format_toml(value)}"
        for name, value in table.items()
        if value not in (None, [], {})
    ]


def _number(value: Any) -> str:
    """Return a count, or a remark as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value)
