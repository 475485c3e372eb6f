"""The folder of a benchmark: a file a run, written whole or not at all, and what is put together from them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.atomic import write_atomically
from zoo.errors import ResultsError

FORMAT = 1


@dataclass(frozen=True)
class Row:
    """What one run gave: a model, a seed, and what was measured, or the error that ended it.

    Attributes:
        key: The hash of task, model, versions and seed: the row's identity.
        label: The model's name in tables.
        seed: The seed, or None for a model that has none.
        model: The resolved model.
        reads_time: Whether a part of it knows at what time a query is asked.
        error: What ended the run, or None.
        metrics: Metric to its value and the ends of its 95 % interval; None where no query has a value.
        slices: The same for parts of the queries (`cold`), with their floor.
        queries: How many queries were evaluated.
        tied_edges: Share of lists whose last item shares its score with one outside.
        fit_seconds: Wall time of fitting.
        training: How the predictor's network was trained: epochs, seconds, history; empty for a model without one.
        rankers: How each ranker that trains in epochs was trained: name, epochs, history, and the features it ignored.
        recommend_per_second: Queries answered a second, in blocks.
        p50_ms: Median time of a single query.
        p99_ms: 99th percentile of a single query.
        peak_memory_mib: The most memory that the process held during the run.
        parameters: Numbers that fitting learned.
        versions: Python, libraries, the core, and the plugins of the model and the metrics; with a hash of the source
            where one is edited in place.
        machine: What it ran on.
        notes: What else the reader of the table must know.
    """

    key: str
    label: str
    seed: int | None
    model: dict[str, Any]
    reads_time: bool = False
    error: str | None = None
    metrics: dict[str, list[float | None]] = field(default_factory=dict)
    slices: dict[str, Any] = field(default_factory=dict)
    queries: int = 0
    tied_edges: float = 0.0
    fit_seconds: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    rankers: list[dict[str, Any]] = field(default_factory=list)
    recommend_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    peak_memory_mib: float = 0.0
    parameters: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Manifest:
    """What a folder's results are about.

    Attributes:
        task: The hash of data, split and evaluation: rows are compared only where it agrees.
        description: What the hash stands for.
        notes: Counts of what was dropped, tied, new and cold.
        metrics: Metric to whether higher is better; None where a value is neither good nor bad.
        experiment: The resolved experiment.
        runs: Label, seed and key of each run, in the order of the table.
        starts: Where the split cuts at moments: when each part begins.
    """

    task: str
    description: dict[str, Any]
    notes: dict[str, Any]
    metrics: dict[str, bool | None]
    experiment: dict[str, Any]
    runs: list[dict[str, Any]]
    starts: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


class Store:
    """A benchmark's folder. `runs/` is what was measured; everything else is put together from it."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def open(self, manifest: Manifest) -> None:
        """Take the folder for an experiment: an empty one, or one that holds results of the same task.

        Raises:
            ResultsError: It holds something else, or cannot be written.
        """
        if self._path("manifest.json").exists():
            found = self.manifest()
            if found.task != manifest.task:
                changed = _difference(found.description, manifest.description)
                raise ResultsError(
                    f"{self.folder} holds results of another task ({found.task}, this one is {manifest.task}): they differ in {changed}. "
                    "Rows of two tasks cannot be compared. Choose another --out, or remove the folder."
                )
        elif self.folder.is_file() or (self.folder.exists() and any(map(_is_a_result, self.folder.iterdir()))):
            raise ResultsError(f"{self.folder} exists and is no benchmark's folder. Choose another --out, or empty it.")
        self._write("manifest.json", json.dumps(asdict(manifest), indent=1))

    def manifest(self) -> Manifest:
        """Return what the folder's results are about.

        Raises:
            ResultsError: The folder holds no benchmark, or one of a newer format.
        """
        path = self._path("manifest.json")
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ResultsError(
                f"{self.folder} holds no results: there is no {path.name} in it. `zoo bench FILE --out {self.folder}` makes them."
            ) from None
        except (OSError, ValueError) as error:
            raise ResultsError(
                f"{path} cannot be read: {error}. Remove the folder and run the benchmark again."
            ) from None
        if raw.get("format") != FORMAT:
            raise ResultsError(
                f"{path} has format {raw.get('format')}, this version reads {FORMAT}: use the version that wrote it, or run the benchmark again"
            )
        return Manifest(**raw)

    def finished(self, key: str) -> Row | None:
        """Return a run's row if it is there and did not fail; a failed run is tried again."""
        path = self._path(f"runs/{key}.json")
        if not path.exists():
            return None
        row = _row(path)
        return None if row.error else row

    def add(self, row: Row, lists: pa.Table | None) -> None:
        """Keep a run: its lists first, its row last, so that a row stands for a whole run."""
        if lists is not None:
            with self._writing(f"runs/{row.key}.parquet") as path:
                pq.write_table(lists, path, compression="zstd")
        self._write(f"runs/{row.key}.json", json.dumps(asdict(row), indent=1))
        self._write_results()

    def rows(self) -> list[Row]:
        """Return the rows of the current experiment, in the order of its table; runs not yet made are left out.

        Labels are those of the experiment: a run is kept under what it does, whatever it was called when it was made.
        """
        runs = [(run["label"], self._path(f"runs/{run['key']}.json")) for run in self.manifest().runs]
        return [replace(_row(path), label=label) for label, path in runs if path.exists()]

    def replaced(self) -> set[tuple[str, int | None]]:
        """Return label and seed of the runs that are kept and no longer those of the experiment: what made them changed."""
        current = {run["key"] for run in self.manifest().runs}
        found = set()
        for path in self._path("runs").glob("*.json"):
            if path.stem not in current:
                with contextlib.suppress(
                    OSError, ValueError, KeyError
                ):  # nobody needs it: it may be of an older version
                    row = json.loads(path.read_text(encoding="utf-8"))
                    found.add((row["label"], row["seed"]))
        return found

    def lists(self, row: Row) -> pa.Table | None:
        """Return the lists of a run with their metrics, a row a query."""
        path = self._path(f"runs/{row.key}.parquet")
        return pq.read_table(path) if path.exists() and not row.error else None

    def artifact(self, key: str) -> Path:
        """Return the folder of a run's artifact; it is there where artifacts are kept."""
        return self._path(f"runs/{key}")

    def compose(self, report: Callable[[Store], str]) -> None:
        """Put `results.jsonl`, `lists.parquet` and `report.md` together from the runs."""
        self._write_results()
        files = [(row, self._path(f"runs/{row.key}.parquet")) for row in self.rows() if not row.error]
        files = [(row, file) for row, file in files if file.exists()]
        if files:
            with self._writing("lists.parquet") as path:
                _write_lists(path, files)
        else:
            self._path("lists.parquet").unlink(missing_ok=True)
        self._write("report.md", report(self))

    def _write_results(self) -> None:
        """Write the rows of the current experiment, a line each."""
        self._write("results.jsonl", "".join(json.dumps(asdict(r)) + "\n" for r in self.rows()))

    def _path(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.folder / name

    def _write(self, name: str, text: str) -> None:
        """Write a text file whole or not at all."""
        with self._writing(name) as path:
            path.write_text(text, encoding="utf-8")

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        """Yield a path beside a file; what was written there is renamed into place, or removed where writing failed."""
        final = self._path(name)
        try:
            with write_atomically(final) as temporary:
                yield temporary
        except OSError as error:
            raise ResultsError(
                f"{final} cannot be written: {error.strerror or error}. What was finished before is kept: "
                "make room or choose another --out, then run the same command again to go on."
            ) from error


def _row(path: Path) -> Row:
    """Read a row.

    Raises:
        ResultsError: The file is damaged.
    """
    try:
        return Row(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ResultsError(f"{path} cannot be read: {error}. Remove the file: its run is then made again.") from None


def _write_lists(path: Path, files: list[tuple[Row, Path]]) -> None:
    """Write the lists of all runs as one table, run by run: never more than one of them is in memory."""
    schema = pa.unify_schemas([pq.read_schema(file) for _, file in files])
    head = pa.schema([pa.field("model", pa.string()), pa.field("seed", pa.int64())])
    with pq.ParquetWriter(path, pa.schema([*head, *schema]), compression="zstd") as writer:
        for row, file in files:
            table = pq.read_table(file)
            label, seed = pa.array([row.label] * len(table), pa.string()), pa.array([row.seed] * len(table), pa.int64())
            columns = [
                table[name] if name in table.column_names else pa.nulls(len(table), schema.field(name).type)
                for name in schema.names
            ]
            writer.write_table(pa.Table.from_arrays([label, seed, *columns], schema=pa.schema([*head, *schema])))


def _is_a_result(path: Path) -> bool:
    """Return whether a path in a folder is more than what is left of a manifest that was being written."""
    return not path.name.startswith(".manifest.json.")


def _difference(found: dict[str, Any], asked: dict[str, Any]) -> str:
    """Return the keys in which two descriptions differ."""
    keys = [key for key in sorted({*found, *asked}) if found.get(key) != asked.get(key)]
    return ", ".join(keys) or "nothing that is described here"
