"""`zoo.score`: lists that another program made are judged by the rules of an experiment, and become a row of its results folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor

from zoo.benchmark.compare.sides import Place, Side
from zoo.benchmark.lists.external_lists import ExternalLists, read_external
from zoo.benchmark.lists.kept_lists import evaluate_slots, query_columns
from zoo.benchmark.lists.list_notes import notes_on_metrics
from zoo.benchmark.lists.slots import Slots
from zoo.benchmark.machine import device_of, machine, sources_of, versions
from zoo.benchmark.python.calls import default_folder
from zoo.benchmark.recommend import RecommendComparison
from zoo.benchmark.result import BenchmarkResult
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.report import markdown
from zoo.config.load import resolve_experiment
from zoo.config.resolved import ResolvedExperiment
from zoo.config.resolved_base import digest
from zoo.data.fingerprint import fingerprint_table
from zoo.data.frames import is_frame
from zoo.errors import ConfigError, DataError
from zoo.evaluation.evaluator import Evaluation
from zoo.folder_lock import lock_folder
from zoo.text_safety import CONTROL

LONGEST_LABEL = 100
LONGEST_ITEM = 60
"""The number of characters of an item id that an error shows."""


@dataclass(frozen=True, eq=False)
class JudgedLists:
    """External lists with their metrics.

    Attributes:
        lists: The table of lists as a run stores it. Its items are those of the file, cut to the longest cutoff: also those that count
            as misses.
        evaluation: Their metrics.
        external: The name of the file, the number of its lists, and counts of what is not as it should be.
        notes: These counts in sentences, and metrics that failed.
    """

    lists: pa.Table
    evaluation: Evaluation
    external: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def row(self, *, key: str, label: str, seed: int | None) -> Row:
        """Return the row of the lists. Nothing was fitted, so no time is measured."""
        return Row(
            key,
            label,
            seed,
            {},
            metrics=self.evaluation.summary(),
            queries=len(self.lists),
            versions=versions(),
            machine=machine(),
            notes=self.notes,
            external=self.external,
        )


def score(
    lists: Any,
    experiment: Any,
    *,
    label: str | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    wait: bool = False,
) -> BenchmarkResult:
    """Judge lists that another program made by the rules of an experiment, and add them to the table of its results folder.

        zoo.score("theirs.parquet", "experiment.toml", label="theirs", out="runs/experiment")

    The lists have one row for each user with `user_id` and `items`, a list of item ids, best first; or one row for each item with
    `user_id`, `item_id`, and `score` or `rank`. If a user has several test queries, `now` is the time of the query. Split, queries,
    targets, eligible items, seen items and metrics are those of the experiment. A slot whose item is unknown, not eligible, seen by the
    user, or in the list already is a miss, and so is each slot that a list lacks; all of them are counted in the notes of the row. No
    slot is filled by the fallback.

    Args:
        lists: A Parquet, CSV, JSON Lines or Arrow file, or a data frame.
        experiment: An experiment file, its content as a dictionary, or an experiment that `load_experiment` returned.
        label: The name of the row; the name of the file by default.
        seed: The seed of the program that made the lists, if they depend on one: score the lists of three seeds or more under one
            label to have them tested like other models that depend on a seed.
        out: The folder of the results; `runs/<name of the experiment file>` by default. Its rows of models stay.
        overrides: `"path=value"`, applied to an experiment file before it is checked.
        plugins: Python files to load as plugins in addition to the installed ones.
        wait: Whether to wait for another process that uses the folder, instead of raising an error.

    Returns:
        The results of the folder, with the row of the lists.

    Raises:
        DataError: The lists cannot be read, a user has two of them, none is for a test query, or no item of them is in the data.
            Nothing is written.
        ConfigError: The experiment or the label cannot be used.
        ResultsError: The folder holds results of another task, or a model with this label.
    """
    resolved = resolve_experiment(experiment, overrides, plugins).require_recommend()
    name = _check_label(label, lists)
    comparison = RecommendComparison(resolved, device_of("cpu"))
    judged = judge_file(lists, comparison)
    sources = sources_of(*resolved.measured_by)
    content = judged.lists.select(["user_id", "now", "items", "scores"])
    identity = {
        "task": comparison.description, "external": fingerprint_table(content), "versions": sources, "seed": seed,
        "bootstrap": resolved.bootstrap,
    }  # fmt: skip
    row = judged.row(key=digest(identity), label=name, seed=seed)
    row = replace(row, versions={**row.versions, **sources})
    store = BenchmarkResult(default_folder(experiment) if out is None else out)
    store.variables = resolved.variables
    with lock_folder(store.folder, wait=wait):
        store.open(_manifest(store, resolved, comparison, row))
        store.add(row, judged.lists)
        store.compose(markdown)
    return store


def judge_file(lists: Any, comparison: RecommendComparison) -> JudgedLists:
    """Judge the lists of a file.

    Raises:
        DataError: They cannot be read, a user has two, none is for a test query, or no item is in the data.
    """
    task, k = comparison.task, comparison.k
    found = read_external(lists, comparison.queries, task.user_ids, task.catalogue.ids)
    _refuse_unknown_items(found, task.catalogue.ids)
    slots = Slots.of(found.items, k, task.catalogue.ids, comparison.queries, comparison.rules)
    evaluation = evaluate_slots(slots, comparison)
    columns = {
        **query_columns(comparison),
        "items": _cut(found.items, slots),
        "scores": _cut(found.scores, slots),
        **{name: pa.array(values.astype(np.float32)) for name, values in evaluation.per_query.items()},
    }
    counts, notes = _count_misses(slots, found, k)
    external = {"file": found.origin, "lists": found.n_lists, **found.counts, **counts}
    return JudgedLists(
        pa.table(columns),
        evaluation,
        external,
        [*found.notes, *notes, *notes_on_metrics(comparison.origins, evaluation)],
    )


def _refuse_unknown_items(found: ExternalLists, ids: pa.Array) -> None:
    """Refuse lists of which no item is in the data.

    Args:
        found: The lists.
        ids: The item ids by item number, `[I]`; entry 0 is padding.

    Raises:
        DataError: There are items, and all are unknown.
    """
    items = found.items.flatten()
    if not len(items) or pc.index_in(items.cast(ids.type), value_set=ids.slice(1)).null_count < len(items):
        return
    first = items[0].as_py()
    shown = repr(first if len(first) <= LONGEST_ITEM else f"{first[:LONGEST_ITEM]}...")
    raise DataError(
        f"{found.origin}: none of the {len(items):,} items of its lists is in the data; the first is {shown} "
        f"({found.place(int(found.rows[0]))}), the first of the data {ids[1].as_py()!r}. Write the ids of items as they are in the data; "
        "in CSV, commas separate the items of a list."
    )


def judge_side(place: Place, other: Side, task: Any) -> Side:
    """Return a file of lists as the side of a comparison, judged by the task of the other side.

    Args:
        place: The file.
        other: The other side.
        task: Its `RecommendComparison`.
    """
    assert place.file is not None
    judged = judge_file(place.file, task)
    name = place.file.stem
    return Side(name, place.file, other.manifest, [judged.row(key="", label=name, seed=None)], [judged.lists])


def _cut(lists: pa.ListArray, slots: Slots) -> pa.ListArray:
    """Return lists without the entries past the last slot."""
    present = slots.entry >= 0
    offsets = pa.array(np.concatenate([[0], np.cumsum(present.sum(1))]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, lists.flatten().take(pa.array(slots.entry[present])))


def _count_misses(slots: Slots, found: ExternalLists, k: int) -> tuple[dict[str, int], list[str]]:
    """Return the counts of slots that are misses whatever the targets are, and sentences about them."""
    counts, notes = dict[str, int](), list[str]()
    total = slots.items.numel()
    for name, sentence, misses in _kinds_of_misses(slots):
        if n := int(misses.sum()):
            query, slot = (int(at) for at in misses.nonzero()[0])
            entry = int(slots.entry[query, slot])
            item, place = found.items.flatten()[entry].as_py(), found.place(int(found.rows[entry]))
            counts[name] = n
            notes.append(f"{n:,} of {total:,} slots hold {sentence}, such as {item!r} ({place}): a miss")
    lengths = slots.present.sum(1)
    short = (lengths > 0) & (lengths < k)
    if n := int(short.sum()):
        counts["short lists"] = n
        have = "1 list has" if n == 1 else f"{n:,} lists have"
        notes.append(f"{have} fewer than {k} items: the missing slots are misses, and the fallback fills none")
    return counts, notes


def _kinds_of_misses(slots: Slots) -> Iterator[tuple[str, str, Tensor]]:
    """Yield the kinds of slots that count as misses: a short name, a noun phrase, and the slots, `[Q, K]` bool."""
    yield "unknown items", "an item that is not in the data", slots.unknown
    yield "repeated items", "an item that is in the list already", slots.repeated
    yield "ineligible items", "an item that [evaluate] eligible excludes", slots.ineligible & ~slots.repeated
    yield "seen items", "an item that the user has seen", slots.seen & ~slots.repeated


def _check_label(label: str | None, lists: Any) -> str:
    """Return the name of the row.

    Raises:
        ConfigError: There is none, or a table cannot show it.
    """
    if label is None:
        if is_frame(lists):
            raise ConfigError("score: the lists are a data frame, which has no name. Give one: label=...")
        label = Path(lists).stem
    if not label.strip() or len(label) > LONGEST_LABEL or CONTROL.search(label):
        raise ConfigError(
            f"label: expected a name of at most {LONGEST_LABEL} characters on one line, found {label[:120]!r}. Give another one with "
            "--label (in Python, label=...)."
        )
    return label


def _manifest(
    store: Store, experiment: ResolvedExperiment, comparison: RecommendComparison, row: Row
) -> BenchmarkManifest:
    """Return the manifest of the folder with the row of the lists; of a new folder, that of the experiment without runs."""
    entry = {"label": row.label, "seed": row.seed, "key": row.key, "external": True}
    description = comparison.description
    fresh = BenchmarkManifest(
        digest(description),
        description,
        comparison.notes,
        comparison.metrics,
        experiment.as_json(),
        [entry],
        comparison.starts,
        findings=[finding.as_json() for finding in comparison.findings],
        hints=comparison.hints,
    )
    if not (store.folder / "manifest.json").exists():
        return fresh
    found = store.manifest()
    if found.task != fresh.task:
        return fresh  # `open` refuses it
    runs = [
        run
        for run in found.runs
        if (run["label"], run["seed"], bool(run.get("external"))) != (row.label, row.seed, True)
    ]
    same = [at for at, run in enumerate(runs) if run["label"] == row.label]
    runs.insert(same[-1] + 1 if same else len(runs), entry)
    return replace(found, runs=runs)
