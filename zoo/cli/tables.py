"""The results of a benchmark on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table as RichTable

from zoo.benchmark.report import MARKS, Cell, Table, main_table
from zoo.cli.output import console

if TYPE_CHECKING:
    from zoo.benchmark.store import Store

GAP = 2
LEGEND = "bold: best; =: cannot be told apart from the best; ?: not tested (fewer than three seeds)"


def print_results(store: Store) -> None:
    """Print the table of a benchmark and say where its files are."""
    out = console()
    table = main_table(store)
    for columns in fitting(table, out.width):
        shown = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        for at in columns:
            shown.add_column(table.headers[at], justify="right" if at else "left", no_wrap=True)
        for row in table.rows:
            shown.add_row(*[_shown(row[at]) for at in columns])
        out.print(shown)
        out.print()
    out.print(LEGEND, style="dim")
    files = ", ".join(
        name for name in ("report.md", "results.jsonl", "lists.parquet") if (store.folder / name).exists()
    )
    out.print(f"In {store.folder}: {files}", soft_wrap=True, markup=False)


def fitting(table: Table, width: int) -> Iterator[list[int]]:
    """Yield the columns of a table in groups that are no wider than the terminal, each with the first column."""
    widths = [
        max(len(_plain(cell)) for cell in column)
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


def _plain(cell: Cell) -> str:
    """Return a cell's text with its mark."""
    return cell.text + (MARKS[cell.verdict] if cell.verdict else "")


def _shown(cell: Cell) -> str:
    """Return a cell in rich's markup."""
    return f"[bold]{escape(cell.text)}[/bold]" if cell.verdict == "best" else escape(_plain(cell))
