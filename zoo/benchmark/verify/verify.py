"""`zoo.verify`: whether the figures of a results folder are those of its lists and its data, and of its models if they run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zoo.benchmark.comparison import Comparison, open_comparison
from zoo.benchmark.machine import device_of
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store, describe_difference
from zoo.benchmark.results_folder.stored_experiment import StoredExperiment, resolve_stored
from zoo.benchmark.verify.files import find_other_files
from zoo.benchmark.verify.rerun import Rerun, rerun_row
from zoo.benchmark.verify.rows import check_against_lists, check_by_itself, name_row
from zoo.config.resolved_base import digest
from zoo.errors import ConfigError, ZooError
from zoo.tables import ResultTable

NO_FIGURES = "metrics cannot be recomputed"


@dataclass(frozen=True)
class VerifyFinding:
    """Something in a results folder that is not as it should be, or cannot be verified.

    Attributes:
        where: The row or the file.
        kind: `row`, `lists`, `file` or `folder` for what does not agree; `drifted` for a row that gives other figures when it runs
            again; `impossible` for what cannot be verified here.
        text: What was found.
    """

    where: str
    kind: str
    text: str


@dataclass(frozen=True, repr=False)
class Verification(ResultTable):
    """The verification of a results folder: a table with one row for each finding; empty if everything agrees.

    Attributes:
        folder: The folder.
        rows: The number of rows whose metrics were recomputed.
        findings: What does not agree, or cannot be verified.
        reruns: The rows that ran again.
    """

    folder: str
    rows: int
    findings: list[VerifyFinding] = field(default_factory=list)
    reruns: list[Rerun] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Return the verification as JSON."""
        return {"ok": self.ok, **asdict(self)}

    def to_arrow(self) -> pa.Table:
        """Return one row for each finding: `where`, `kind`, `text`."""
        schema = pa.schema([(name, pa.string()) for name in ("where", "kind", "text")])
        return pa.Table.from_pylist([asdict(finding) for finding in self.findings], schema=schema)

    def __repr__(self) -> str:
        """Return the findings, or one line that says what agrees."""
        reproduced = [f"{run.name}" for run in self.reruns if run.outcome == "reproduced"]
        again = f"; ran again and reproduced: {', '.join(reproduced)}" if reproduced else ""
        if self.ok:
            return f"{self.folder}: every metric of {_count(self.rows, 'row')} is that of its lists{again}."
        lines = [f"{each.where}: {each.kind}: {each.text}" for each in self.findings]
        return "\n".join(
            [*lines, f"{self.folder}: {_count(len(lines), 'finding')}, {_count(self.rows, 'row')} recomputed{again}."]
        )


def verify(
    folder: str | Path,
    *,
    sample: int = 0,
    plugins: Iterable[str | Path] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> Verification:
    """Recompute every metric of a results folder from its lists, and run some of its rows again.

        zoo.verify("runs/mine")
        zoo.verify("runs/mine", sample=3).findings

    The data are read again and the lists of each row are matched with their targets; no model runs. Each row is also compared with the
    hash of its lists and of its settings, and the composed files with the rows. `sample` rows, chosen at random, are fitted and measured
    again: `reproduced`, `drifted` (by how much), or `impossible` (why). Times and memory are not compared.

    Args:
        folder: The results folder.
        sample: The number of rows to run again; all if there are fewer. Rows that failed and external rows are never run.
        plugins: Python files to load as plugins in addition to the installed ones.
        tell: Receives a line for each row that runs again.

    Raises:
        ResultsError: The folder has no results, or a file in it cannot be read.
        ConfigError: `sample` is negative.
    """
    if sample < 0:
        raise ConfigError(f"sample: expected the number of rows to run again, 0 or more, found {sample}.")
    store = Store(folder)
    with refusing_damage(store.folder):
        return _verify(store, sample, list(plugins), tell)


def _verify(store: Store, sample: int, plugins: list[str | Path], tell: Callable[[str], None]) -> Verification:
    """Verify a folder whose files can be read."""
    manifest, rows = store.manifest(), [row for row in store.rows() if not row.error]
    findings = list[VerifyFinding]()
    if digest(manifest.description) != manifest.task and "${" not in json.dumps(manifest.description):
        text = f"its description does not give its task {manifest.task}: it was changed"
        findings.append(VerifyFinding("manifest.json", "folder", text))
    opened = _open(store.folder, manifest, plugins)
    if opened.problem:
        findings.append(VerifyFinding(str(store.folder), "impossible", f"{NO_FIGURES}: {opened.problem}"))
    for row in rows:
        lists = store.lists(row)
        found = [*check_by_itself(row, lists, manifest), *check_against_lists(row, lists, opened.task)]
        findings += [VerifyFinding(name_row(row), kind, text) for kind, text in dict.fromkeys(found)]
    findings += [VerifyFinding(name, "file", text) for name, text in find_other_files(store)]
    reruns = [_rerun(row, store, opened, tell) for row in _choose([row for row in rows if not row.external], sample)]
    findings += [VerifyFinding(run.name, run.outcome, run.text) for run in reruns if run.outcome != "reproduced"]
    task = opened.task
    return Verification(str(store.folder), len(rows) if task is not None else 0, findings, reruns)


@dataclass(frozen=True)
class _Opened:
    """The experiment and the task of a folder, or why they cannot be had."""

    stored: StoredExperiment | None = None
    task: Comparison[Any] | None = None
    problem: str = ""


def _open(folder: Path, manifest: BenchmarkManifest, plugins: list[str | Path]) -> _Opened:
    """Resolve the experiment of a folder and read its data."""
    try:
        stored = resolve_stored(folder, manifest, plugins)
        task = open_comparison(stored.experiment, device_of(stored.experiment.train.device))
    except ZooError as error:
        return _Opened(problem=" ".join(str(error).split()))
    now = json.loads(json.dumps(stored.experiment.variables.hide(task.description)))
    if now != manifest.description:
        changed = describe_difference(manifest.description, now)
        return _Opened(problem=f"the data or the rules are no longer those of the folder: they differ in {changed}")
    return _Opened(stored, task)


def _choose(rows: list[Row], sample: int) -> list[Row]:
    """Return some rows, chosen at random so that nobody knows which, in their order."""
    if sample >= len(rows):
        return rows
    chosen = np.sort(np.random.default_rng().permutation(len(rows))[:sample])
    return [rows[at] for at in chosen]


def _rerun(row: Row, store: Store, opened: _Opened, tell: Callable[[str], None]) -> Rerun:
    """Run a row again, if its experiment can be had."""
    if opened.stored is None or opened.task is None:
        return Rerun(name_row(row), "impossible", opened.problem)
    lists = store.lists(row)
    if lists is None:
        return Rerun(name_row(row), "impossible", "its lists are missing")
    tell(f"{name_row(row)}: running again ...")
    return rerun_row(row, lists, opened.stored, opened.task)


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
