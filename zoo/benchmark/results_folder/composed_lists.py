"""`lists.parquet`: the lists of all runs in one file, written again only if something has changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoo.benchmark.results_folder.list_tables import write_lists
from zoo.benchmark.results_folder.result_files import writing
from zoo.benchmark.results_folder.row import Row

LISTS, STAMP = "lists.parquet", "lists.stamp"
"""The file, and the one with the sizes and times of it and of the files that it was composed of."""

Stamp = list[Any]
"""The name of a file, its size and when it was changed, in nanoseconds; the name alone for a file that is gone."""


def stamps(files: Iterable[Path]) -> list[Stamp]:
    """Return the stamps of files."""
    return [_stamp(file) for file in files]


def compose_lists(folder: Path, files: Sequence[tuple[Row, Path]], sources: Sequence[Stamp]) -> None:
    """Write the lists of runs into one file, unless it has them already; without runs, remove it.

    Args:
        folder: The folder of the results.
        files: The rows of the runs, and the files of their lists.
        sources: The stamps of the files from which the rows were read, taken before that, so that a run which another process adds
            meanwhile makes a difference.
    """
    path, stamp = folder / LISTS, folder / STAMP
    if not files:
        path.unlink(missing_ok=True)
        stamp.unlink(missing_ok=True)
        return
    composed_of = [*sources, *stamps(lists for _, lists in files)]
    with suppress(OSError, UnicodeDecodeError):
        if stamp.read_text(encoding="utf-8") == json.dumps([_stamp(path), composed_of]):
            return
    with writing(path) as new:
        write_lists(new, list(files))
        written = [path.name, *_stamp(new)[1:]]  # before another process can replace it
    with writing(stamp) as new:
        new.write_text(json.dumps([written, composed_of]), encoding="utf-8")


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return [path.name]
    return [path.name, found.st_size, found.st_mtime_ns]
