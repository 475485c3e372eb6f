"""Print the results of a benchmark on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table as RichTable

from zoo.benchmark.results_folder.joined_results import format_joined
from zoo.benchmark.tables.check_report import findings_line
from zoo.benchmark.tables.comparison_tables import MARKS, Cell, ComparisonTable, by_label, main_table, training_table
from zoo.benchmark.tables.missing_values import format_missing_values
from zoo.benchmark.tables.report import finding, legend, protocol, settings
from zoo.benchmark.tuning.settings import format_mixed_settings
from zoo.cli.output import console
from zoo.text_safety import show

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.benchmark.results_folder.store import Store

GAP = 2


def print_results(store: Store) -> None:
    """Print the tables of a benchmark and the paths of its files."""
    out = console()
    table = main_table(store)
    best = "" if out.is_terminal else " *"  # a file or a pipe has no bold text
    for each in (table, training_table(store)):
        if each:
            _print(each, out, best)
    for line in (
        format_joined(store),
        finding(store, table),
        format_mixed_settings(by_label(store.rows())),
        *format_missing_values(store),
        legend(store, table, best="*" if best else "bold"),
        protocol(store),
        settings(store),
    ):
        if line:
            out.print(show(line.replace("`", "")), style="dim", markup=False, soft_wrap=not out.is_terminal)
    if warning := findings_line(store.manifest()):
        out.print(show(warning), style="yellow", markup=False, soft_wrap=not out.is_terminal)
    for folder in store.folders:
        names = ("report.md", "results.jsonl", "lists.parquet", "trials.jsonl")
        files = ", ".join(name for name in names if (folder / name).exists())
        out.print(f"In {folder}: {files}", soft_wrap=True, markup=False)


def _print(table: ComparisonTable, out: Console, best: str) -> None:
    """Print a table, split into parts if it is too wide."""
    for columns in split_columns(table, out.width, best):
        shown = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        for at in columns:
            shown.add_column(table.headers[at], justify="right" if at else "left", no_wrap=True)
        for row in table.rows:
            shown.add_row(*[_shown(row[at], best) for at in columns])
        out.print(shown)
        out.print()


def split_columns(table: ComparisonTable, width: int, best: str = "") -> Iterator[list[int]]:
    """Yield groups of columns that fit the width of the terminal, each with the first column."""
    widths = [
        max(len(_plain(cell, best)) for cell in column)
        for column in zip([Cell(h) for h in table.headers], *table.rows, strict=True)
    ]
    columns, used = [0], widths[0]
    for at in range(1, len(widths)):
        if used + GAP + widths[at] > width and len(columns) > 1:
            yield columns
            columns, used = [0], widths[0]
        columns.append(at)
        used += GAP + widths[at]
    yield columns


def _plain(cell: Cell, best: str) -> str:
    """Return a cell's text with its mark."""
    return show(cell.text) + ({**MARKS, "best": best}[cell.verdict] if cell.verdict else "")


def _shown(cell: Cell, best: str) -> str:
    """Return a cell as rich markup."""
    text = escape(_plain(cell, best))
    if cell.reference:
        return f"[dim]{text}[/dim]"
    return f"[bold]{text}[/bold]" if cell.verdict == "best" else text
