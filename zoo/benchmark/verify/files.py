"""Whether the composed files of a results folder are what its runs give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from zoo.benchmark.machine import sources_of
from zoo.benchmark.results_folder.json_records import DAMAGE
from zoo.benchmark.results_folder.list_tables import read_lists, with_run
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.report import markdown
from zoo.data.fingerprint import fingerprint_table
from zoo.errors import ResultsError

REMEDY = "it was changed, or is older than the runs; `zoo report` writes it again"


def find_other_files(store: Store) -> Iterator[tuple[str, str]]:
    """Yield each composed file that is not what the runs give, and what differs. A file that is missing says nothing wrong."""
    rows = store.rows()
    for name, find in (
        ("results.jsonl", _check_results),
        ("lists.parquet", _check_lists),
        ("report.md", _check_report),
    ):
        path = store.folder / name
        try:
            problem = find(path, store, rows) if path.exists() else ""
        except (ResultsError, OSError, UnicodeDecodeError) as error:
            reason = str(error).partition(". Move it")[0]
            problem = f"it cannot be read ({reason}); `zoo report` writes it again"
        if problem:
            yield name, problem


def _check_results(path: Path, store: Store, rows: list[Row]) -> str:
    """Return what is wrong with `results.jsonl`; empty if nothing is."""
    labels = list(_other_rows(path.read_text(encoding="utf-8"), rows))
    return f"the rows {', '.join(labels)} are not those in `runs/`: {REMEDY}" if labels else ""


def _check_lists(path: Path, store: Store, rows: list[Row]) -> str:
    """Return what is wrong with `lists.parquet`; empty if nothing is."""
    labels = list(_other_lists(read_lists(path), store, rows))
    return f"the lists of {', '.join(labels)} are not those in `runs/`: {REMEDY}" if labels else ""


def _check_report(path: Path, store: Store, rows: list[Row]) -> str:
    """Return what is wrong with `report.md`; empty if nothing is, or if another version wrote it."""
    current = sources_of()["shopzoo"]
    if any(row.versions.get("shopzoo") != current for row in rows):
        return ""
    text = path.read_text(encoding="utf-8")
    try:
        composed = markdown(store)
    except DAMAGE as error:
        return f"it cannot be composed from the rows: {error}"
    return "" if text == composed else f"it is not the report of the rows: {REMEDY}"


def _other_rows(text: str, rows: list[Row]) -> Iterator[str]:
    """Yield the labels of rows that differ. Fields that a later version added are not in the file."""
    lines = text.splitlines()
    for at, row in enumerate(rows):
        try:
            stored = json.loads(lines[at]) if at < len(lines) else None
        except ValueError:
            stored = None
        expected = json.loads(json.dumps(asdict(row)))
        if not isinstance(stored, dict) or {key: expected.get(key) for key in stored} != stored:
            yield row.label
    if len(lines) > len(rows):
        yield "of no run"


def _other_lists(table: pa.Table, store: Store, rows: list[Row]) -> Iterator[str]:
    """Yield the labels of runs whose lists differ."""
    schema = pa.schema([field for field in table.schema if field.name not in ("model", "seed")])
    start = 0
    for row in rows:
        own = store.lists(row)
        if own is None:
            continue
        part = table.slice(start, len(own))
        start += len(own)
        columns_agree = set(own.column_names) <= set(schema.names) and len(part) == len(own)
        if not columns_agree or fingerprint_table(part) != fingerprint_table(with_run(own, row, schema)):
            yield row.label
    if start < len(table):
        yield "no run"
