"""Several folders of the same question as one: the same data, split and evaluation, so that their rows can be compared."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.snapshot import StoreSnapshot
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store, describe_difference


@dataclass(frozen=True)
class _JoinedRun:
    """A run of one of the folders.

    Attributes:
        store: Its folder.
        entry: Its entry in the manifest of the folder.
        row: Its row; None if it is not finished.
        label: Its name among the runs of all folders.
    """

    store: StoreSnapshot
    entry: dict[str, Any]
    row: Row | None
    label: str

    @property
    def reference(self) -> bool:
        return bool(self.entry.get("reference", False))


class JoinedStore(StoreSnapshot):
    """The rows of several folders of one task; it is read, never written to.

    A run that several folders have, by its key, is there once. Runs of one label are one model if settings and versions are the
    same and no seed is there twice; otherwise the label of each gets the name of its folder. A deterministic reference with equal
    metrics is there once, even if its keys differ.
    """

    def __init__(self, stores: Sequence[StoreSnapshot]) -> None:
        super().__init__(stores[0].folder)
        self.stores = tuple(stores)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders."""
        return tuple(store.folder for store in self.stores)

    @property
    def title(self) -> str:
        """Return the names of the folders."""
        return ", ".join(self._names.values())

    def label_of(self, folder: Path, label: str) -> str:
        """Return the name among all rows of a model of one folder."""
        return self._labels.get((folder, label), label)

    def lists_file(self, row: Row) -> Path:
        """Return the file of the lists of a run."""
        return self._owner(row).lists_file(row)

    def lists(self, row: Row, columns: Sequence[str] | None = None) -> Any:
        """Return the lists of a run with their metrics."""
        return self._owner(row).lists(row, columns)

    def _owner(self, row: Row) -> StoreSnapshot:
        return next((run.store for run in self._runs if run.entry["key"] == row.key), self.stores[0])

    @cached_property
    def _names(self) -> dict[Path, str]:
        """The name of each folder; the whole path if two have the same name."""
        names = [store.title for store in self.stores]
        distinct = len(set(names)) == len(names)
        return {s.folder: name if distinct else str(s.folder) for s, name in zip(self.stores, names, strict=True)}

    @cached_property
    def _labels(self) -> dict[tuple[Path, str], str]:
        """The names of the models of each folder that are not those of the folder."""
        rows: dict[str, list[Row]] = {}
        for run in self._distinct:
            if run.row is not None:
                rows.setdefault(run.entry["label"], []).append(run.row)
        several = {label for label, found in rows.items() if not _is_one_model(found)}
        return {
            (run.store.folder, run.entry["label"]): f"{run.entry['label']} ({self._names[run.store.folder]})"
            for run in self._distinct
            if run.entry["label"] in several
        }

    @cached_property
    def _distinct(self) -> list[_JoinedRun]:
        """The runs of all folders, each key once: a finished one before others, a model before a reference."""
        return _without_copies(self._each_key())

    def _each_key(self) -> list[_JoinedRun]:
        """Return a run for each key."""
        found: dict[str, _JoinedRun] = {}
        for run in self._all():
            other = found.get(run.entry["key"])
            if other is None or _rank(run) < _rank(other):
                found[run.entry["key"]] = run
        return list(found.values())

    def _all(self) -> Iterator[_JoinedRun]:
        """Yield the runs of all folders."""
        for store in self.stores:
            rows = {row.key: row for row in store.rows()}
            for entry in store.manifest().runs:
                yield _JoinedRun(store, entry, rows.get(entry["key"]), entry["label"])

    @cached_property
    def _runs(self) -> list[_JoinedRun]:
        """The runs with their names, those of one model together, references last."""
        named = [replace(run, label=self.label_of(run.store.folder, run.label)) for run in self._distinct]
        models: dict[str, list[_JoinedRun]] = {}
        for run in named:
            models.setdefault(run.label, []).append(run)
        groups = sorted(models.values(), key=lambda runs: all(run.reference for run in runs))
        return [run for runs in groups for run in runs]

    @cached_property
    def _rows(self) -> list[Row]:
        alone = {run.label for run in self._runs if not run.reference}
        return [
            replace(run.row, label=run.label, reference=run.label not in alone)
            for run in self._runs
            if run.row is not None
        ]

    @cached_property
    def _manifest(self) -> BenchmarkManifest:
        manifests = [store.manifest() for store in self.stores]
        first = manifests[0]
        models: dict[str, dict[str, Any]] = {}
        for store, manifest in zip(self.stores, manifests, strict=True):
            for model in manifest.experiment["model"]:
                label = self.label_of(store.folder, model["label"])
                models.setdefault(label, {**model, "label": label})
        findings = {json.dumps(found, sort_keys=True): found for each in manifests for found in each.findings}
        return replace(
            first,
            experiment={**first.experiment, "model": list(models.values())},
            runs=[{**run.entry, "label": run.label} for run in self._runs],
            findings=list(findings.values()),
            hints=[hint for hint in first.hints if all(hint in each.hints for each in manifests)],
        )


def join_folders(stores: Sequence[StoreSnapshot]) -> list[StoreSnapshot]:
    """Return the folders of one task as one, in the order of the first of each."""
    groups: dict[str, list[StoreSnapshot]] = {}
    for store in {store.folder.resolve(): store for store in stores}.values():
        groups.setdefault(store.manifest().task, []).append(store)
    return [group[0] if len(group) == 1 else JoinedStore(group) for group in groups.values()]


def format_joined(store: Store) -> str:
    """Return that rows come from several folders; an empty string if they do not."""
    if not isinstance(store, JoinedStore):
        return ""
    return f"Rows of {len(store.stores)} folders with the same data, split and evaluation: {store.title}."


def format_not_joined(stores: Sequence[Store]) -> list[str]:
    """Return a sentence for each folder after the first that says why its rows are not compared with those of the first."""
    first, *others = stores
    expected = first.manifest().description
    return [
        f"{other.title} is not compared with {first.title}: they differ in "
        f"{describe_difference(other.manifest().description, expected)}."
        for other in others
    ]


def _identify(row: Row) -> Hashable:
    """Return the settings, versions and origin of a run."""
    search = {name: value for name, value in row.tuning.items() if name != "seconds"}
    parts = [row.model, row.versions, row.external.get("file"), row.settings, search]
    return json.dumps(parts, sort_keys=True, default=str)


def _is_one_model(rows: Sequence[Row]) -> bool:
    """Return whether rows of different keys are the seeds of one model.

    A seed that is there twice, for example with two numbers of threads, would count as two seeds.
    """
    return len({_identify(row) for row in rows}) == 1 and len({row.seed for row in rows}) == len(rows)


def _without_copies(runs: Sequence[_JoinedRun]) -> list[_JoinedRun]:
    """Return the runs, of deterministic references with equal metrics only the first, or the model that the reference repeats."""
    kept = list[_JoinedRun]()
    places: dict[Hashable, int] = {}
    for run in runs:
        row = run.row
        if row is None or row.seed is not None or row.error:
            kept.append(run)
            continue
        at = places.setdefault((run.label, _identify(row), json.dumps(row.metrics, sort_keys=True)), len(kept))
        if at == len(kept) or not (run.reference or kept[at].reference):
            kept.append(run)
        elif _rank(run) < _rank(kept[at]):
            kept[at] = run
    return kept


def _rank(run: _JoinedRun) -> tuple[bool, bool, bool]:
    """Return a value that is small for a run to keep."""
    return run.row is None, run.row is not None and bool(run.row.error), run.reference
