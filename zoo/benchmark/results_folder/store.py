"""The folder of a benchmark: one atomically written file per run, and the files composed from them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AfterValidator, ConfigDict, TypeAdapter, with_config

from zoo.atomic import remove_leftovers
from zoo.benchmark.results_folder.composed_lists import compose_lists, stamps
from zoo.benchmark.results_folder.consistent_writes import write_consistently
from zoo.benchmark.results_folder.json_records import as_record, read_table
from zoo.benchmark.results_folder.list_tables import read_lists
from zoo.benchmark.results_folder.result_files import writing
from zoo.benchmark.results_folder.row import Row, read_row
from zoo.config.variables import NO_VARIABLES, Variables
from zoo.data.fingerprint import fingerprint_table
from zoo.errors import ResultsError
from zoo.folder_lock import is_lock_file

FORMAT = 1
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What names the files of a run."""


def _check_run(run: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a run in the manifest.

    Raises:
        ValueError: Its label, key or seed is missing or of another type.
    """
    if not all(isinstance(run.get(name), str) for name in ("label", "key")):
        raise ValueError("a run needs a label and a key")
    if not KEY.fullmatch(run["key"]):
        raise ValueError(f"expected a key of letters and digits, found {run['key'][:80]!r}")
    if not isinstance(run.get("seed", ""), int | None):
        raise ValueError("a run needs a seed, or null")
    return run


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class BenchmarkManifest:
    """The manifest of a benchmark folder.

    Attributes:
        task: The hash of data, split and evaluation. Rows are compared only if it agrees.
        description: The values behind the hash.
        notes: Counts of dropped events, ties, new users and cold items.
        metrics: Maps each metric to whether higher is better; None if a value is neither good nor bad.
        experiment: The resolved experiment.
        runs: Label, seed and key of each run, in the order of the table; `reference` is true for a reference, `external` for lists
            that another program made.
        starts: When each part begins, if the split cuts at moments.
        findings: What the checks of the task found, as `Finding.as_json` gives it.
        hints: What usually helps on data like these, and no model of the experiment has.
    """

    task: str
    description: dict[str, Any]
    notes: dict[str, Any]
    metrics: dict[str, bool | None]
    experiment: dict[str, Any]
    runs: list[Annotated[dict[str, Any], AfterValidator(_check_run)]]
    starts: dict[str, str] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    format: int = FORMAT


_MANIFEST = TypeAdapter(BenchmarkManifest)


class Store:
    """The folder of a benchmark. `runs/` holds the measurements; all other files are composed from it.

    Attributes:
        variables: The environment variables of the experiment file, which are stored as they are written there.
    """

    def __init__(self, folder: str | Path, variables: Variables = NO_VARIABLES) -> None:
        self.folder, self.variables = Path(folder), variables

    def open(self, manifest: BenchmarkManifest) -> None:
        """Use the folder for an experiment. It must be empty or hold results of the same task.

        External lists in the folder stay in its table. What killed processes were writing there is removed.

        Raises:
            ResultsError: The folder holds something else, or external lists with the label of a model; or it cannot be written.
        """
        written = self.variables.hide(asdict(manifest))
        if self._path("manifest.json").exists():
            found = self.manifest()
            if found.task != manifest.task:
                changed = describe_difference(found.description, written["description"])
                raise ResultsError(
                    f"{self.folder} holds results of another task ({found.task}, this one is {manifest.task}): they differ in {changed}. "
                    "Rows of two tasks cannot be compared. Choose another folder, or remove the folder."
                )
            written["runs"] += self._external_runs(found, manifest)
        elif self.folder.is_file() or (self.folder.exists() and any(map(_is_a_result, self.folder.iterdir()))):
            raise ResultsError(
                f"{self.folder} exists and is not a benchmark folder. Choose another folder, or empty it."
            )
        remove_leftovers(self.folder)
        self._write("manifest.json", json.dumps(written, indent=1))

    def manifest(self) -> BenchmarkManifest:
        """Return the manifest of the folder.

        Raises:
            ResultsError: The folder holds no benchmark, a damaged one, or one of another format.
        """
        path = self._path("manifest.json")
        try:
            raw = read_table(path)
            if raw.get("format") == FORMAT:
                return as_record(_MANIFEST, raw)
        except FileNotFoundError:
            raise ResultsError(
                f"{self.folder} holds no results: it has no {path.name}. Create them with `zoo bench FILE --out {self.folder}`."
            ) from None
        except (OSError, ValueError) as error:
            raise ResultsError(
                f"{path} cannot be read: {error}. Move the folder away and run the benchmark again."
            ) from None
        raise ResultsError(
            f"{path} has format {raw.get('format')}, this version reads {FORMAT}: use the version that wrote it, or run the benchmark again"
        )

    def _external_runs(self, found: BenchmarkManifest, manifest: BenchmarkManifest) -> list[dict[str, Any]]:
        """Return the external lists of the folder that a new manifest does not have.

        Raises:
            ResultsError: Lists and a model have the same label.
        """
        names = {(run["label"], run["seed"]) for run in manifest.runs if run.get("external")}
        kept = [r for r in found.runs if r.get("external") and (r["label"], r["seed"]) not in names]
        models = {run["label"] for run in manifest.runs if not run.get("external")}
        if both := sorted({run["label"] for run in [*manifest.runs, *kept] if run.get("external")} & models):
            raise ResultsError(
                f"{self.folder} has external lists and a model that are both named {both[0]!r}. Choose another label for one of them, "
                "or another folder."
            )
        return kept

    def finished(self, key: str) -> Row | None:
        """Return the row of a run if it finished without an error, else None."""
        path = self._path(f"runs/{key}.json")
        if not path.exists():
            return None
        row = read_row(path)
        return None if row.error else row

    def add(self, row: Row, lists: pa.Table | None) -> None:
        """Store a run. The row is written after the lists, so a row always belongs to a complete run."""
        if lists is not None:
            row = replace(row, lists_hash=fingerprint_table(lists))
            with self._writing(f"runs/{row.key}.parquet") as path:
                pq.write_table(lists, path, compression="zstd")
        self._write(f"runs/{row.key}.json", json.dumps(self.variables.hide(asdict(row)), indent=1))
        self._write_results()

    def stored(self, key: str) -> dict[str, Any]:
        """Return a stored row as it stands in its file."""
        row: dict[str, Any] = json.loads(self._path(f"runs/{key}.json").read_text(encoding="utf-8"))
        return row

    def rows(self) -> list[Row]:
        """Return the rows of the finished runs of the current experiment, in the order of its table.

        Labels are those of the current experiment, because the key of a run does not depend on its label, nor on whether it is
        a reference.
        """
        runs = [(run, self._path(f"runs/{run['key']}.json")) for run in self.manifest().runs]
        return [
            replace(read_row(path), label=run["label"], reference=run.get("reference", False))
            for run, path in runs
            if path.exists()
        ]

    def replaced(self) -> dict[tuple[str, int | None], dict[str, Any]]:
        """Return stored runs that do not belong to the experiment any more, because settings or code changed.

        The latest one of each label and seed counts. Environment variables are as in the experiment file.
        """
        current = {run["key"] for run in self.manifest().runs}
        return {(row["label"], row.get("seed")): row for key, row in self._stored() if key not in current}

    def thread_counts(self) -> set[int]:
        """Return the numbers of threads of the stored runs, also of those that do not belong to the experiment."""
        machines = [row.get("machine") for _, row in self._stored()]
        counts = [machine.get("threads") for machine in machines if isinstance(machine, dict)]
        return {count for count in counts if isinstance(count, int)} - {0}

    def _stored(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield key and content of each stored run, the latest last; optional information, so an unreadable one is left out."""
        for path in sorted(self._path("runs").glob("*.json"), key=_time_of_change):
            with contextlib.suppress(OSError, ValueError):
                row = read_table(path)
                if isinstance(row.get("label"), str) and isinstance(row.get("seed", ""), int | None):
                    yield path.stem, row

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folder, or those of a store that joins several."""
        return (self.folder,)

    @property
    def title(self) -> str:
        """Return the name of the folder."""
        return self.folder.resolve().name

    def label_of(self, folder: Path, label: str) -> str:
        """Return the name of a model of a folder in the rows of this store."""
        return label

    def lists_file(self, row: Row) -> Path:
        """Return the file of the lists of a run, which exists if it has any."""
        return self._path(f"runs/{row.key}.parquet")

    def lists(self, row: Row, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Return the lists of a run with their metrics, one row per query; only the given columns that it has, or all."""
        path = self.lists_file(row)
        return read_lists(path, columns) if path.exists() and not row.error else None

    def artifact(self, key: str) -> Path:
        """Return the folder of a run's artifact, which exists only if artifacts are kept."""
        return self._path(f"runs/{key}")

    def compose(self, report: Callable[[Store], str]) -> None:
        """Write `results.jsonl`, `lists.parquet` and `report.md` from the runs, also while a benchmark adds runs."""
        write_consistently(self._sources, lambda: self._compose(report))

    def _sources(self) -> list[Path]:
        """Return the files of which the others are composed."""
        return [self._path("manifest.json"), *sorted(self._path("runs").glob("*.json"))]

    def _compose(self, report: Callable[[Store], str]) -> None:
        """Write the composed files once."""
        sources = stamps(self._sources())  # first: what is added from now on is missing in it
        self._write_results()
        files = [(row, self._path(f"runs/{row.key}.parquet")) for row in self.rows() if not row.error]
        files = [(row, file) for row, file in files if file.exists()]
        compose_lists(self.folder, files, sources)
        self._write("report.md", report(self))

    def _write_results(self) -> None:
        """Write the rows of the current experiment, one line each."""
        self._write("results.jsonl", "".join(json.dumps(asdict(r)) + "\n" for r in self.rows()))

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _write(self, name: str, text: str) -> None:
        with self._writing(name) as path:
            path.write_text(text, encoding="utf-8")

    def _writing(self, name: str) -> AbstractContextManager[Path]:
        """Yield a temporary path; on success it is renamed to the file, on failure removed."""
        return writing(self._path(name))


def _time_of_change(path: Path) -> float:
    """Return when a file was changed; 0 for one that is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_a_result(path: Path) -> bool:
    """Return whether a path is more than a lock, or a leftover of an interrupted write of the manifest."""
    return not path.name.startswith(".manifest.json.") and not is_lock_file(path)


def describe_difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """Return the keys in which two descriptions differ, and within a table its keys."""
    keys = []
    for key in sorted({*found, *expected}):
        old, new = found.get(key), expected.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            keys += [f"{key}.{name}" for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        elif old != new:
            keys.append(key)
    return ", ".join(keys) or "no setting of the description"
