"""The two sides of a comparison: a model in a results folder, or a file of lists, named as on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.errors import ResultsError, suggestion


@dataclass(frozen=True)
class Place:
    """What one side names: a file of lists, or a folder with or without a label."""

    folder: Path | None = None
    label: str | None = None
    file: Path | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison.

    Attributes:
        name: Its name in sentences.
        place: The folder or file.
        manifest: The manifest of the folder; for a file, that of the folder it is compared with.
        rows: Its rows, one for each seed.
        lists: The lists of each row, with the metrics of each query.
    """

    name: str
    place: Path
    manifest: BenchmarkManifest
    rows: list[Row]
    lists: list[pa.Table]

    @property
    def seeded(self) -> bool:
        """Return whether the model depends on a seed."""
        return self.rows[0].seed is not None


def parse_places(a: str | Path, b: str | Path, folder: str | Path | None) -> tuple[Place, Place]:
    """Return what the two sides name.

    A label alone is one of `folder`, else of the folder that the other side names. If one side has a label and the other only a
    folder, the label counts for both.

    Raises:
        ResultsError: There is no such folder or file, or two files.
    """
    found = [_parse(str(each)) for each in (a, b)]
    if found[0].file and found[1].file:
        raise ResultsError(
            f"{a} and {b} are two files of lists, and a file is judged by the task of a results folder: score one of them with `zoo "
            "score FILE EXPERIMENT`, and compare the other with its folder."
        )
    folders = [Path(folder)] if folder is not None else []
    folders += [place.folder for place in found if place.folder is not None]
    first, second = (_in_folder(place, folders, str(text)) for text, place in zip((a, b), found, strict=True))
    if first.folder != second.folder and first.folder and second.folder:
        first = Place(first.folder, first.label or _shared(second.label, first.folder))
        second = Place(second.folder, second.label or _shared(first.label, second.folder))
    return first, second


def _in_folder(place: Place, folders: list[Path], text: str) -> Place:
    """Return a place with the first of the folders if it is a label alone.

    Raises:
        ResultsError: There is no folder.
    """
    if place.file is not None or place.folder is not None:
        return place
    if not folders:
        raise ResultsError(
            f"{text!r} is no results folder, no file, and not FOLDER:LABEL. Name the folder of the label: FOLDER:{text}, or --folder "
            "FOLDER (in Python, folder=...)."
        )
    return Place(folders[0], place.label)


def _shared(label: str | None, folder: Path) -> str | None:
    """Return the label of the other side if a folder has it too."""
    return label if label in _labels(Store(folder)) else None


def _parse(text: str) -> Place:
    """Return what a text names; a label alone has no folder."""
    path = Path(text)
    if path.is_dir() and (
        len(path.parts) > 1 or (path / "manifest.json").exists()
    ):  # a label may be the name of a folder
        return Place(path)
    if path.is_file():
        return Place(file=path)
    for head, label in _splits(text):
        if head.is_dir():
            return Place(head, label)
    if path.suffix in (".parquet", ".csv", ".jsonl"):
        raise ResultsError(f"{text}: there is no such file.")
    if "/" in text and ":" not in text:
        raise ResultsError(f"{text}: there is no such folder or file.")
    return Place(label=text)


def _splits(text: str) -> Iterator[tuple[Path, str]]:
    """Yield each folder and label that a text with colons can mean."""
    parts = text.split(":")
    for at in range(1, len(parts)):
        yield Path(":".join(parts[:at])), ":".join(parts[at:])


def open_side(place: Place) -> Side:
    """Return the side of a folder.

    Raises:
        ResultsError: The folder has no results, or not this label; the model failed, or has no lists.
    """
    assert place.folder is not None
    store = Store(place.folder)
    manifest, labels = store.manifest(), _labels(store)
    label = place.label or (labels[0] if len(labels) == 1 else None)
    if label is None:
        raise ResultsError(
            f"{place.folder} has {len(labels)} models ({', '.join(labels)}): name one, {place.folder}:{labels[0]}."
            if labels
            else f"{place.folder} has no finished run: run its experiment again."
        )
    rows = [row for row in store.rows() if row.label == label]
    if not rows:
        every = list(dict.fromkeys(row.label for row in store.rows()))
        raise ResultsError(
            f"{place.folder} has no {label!r}.{suggestion(label, every)} It has: {', '.join(every) or 'no finished run'}."
        )
    if failed := next((row.error for row in rows if row.error), None):
        raise ResultsError(f"{label} in {place.folder} failed, so there is nothing to compare: {failed}")
    lists = [store.lists(row) for row in rows]
    if any(table is None for table in lists):
        raise ResultsError(f"{label} in {place.folder} has no lists in `runs/`. Run the experiment again.")
    return Side(label, place.folder, manifest, rows, [table for table in lists if table is not None])


def _labels(store: Store) -> list[str]:
    """Return the labels of the models of a folder, without references."""
    return list(dict.fromkeys(row.label for row in store.rows() if not row.reference))
