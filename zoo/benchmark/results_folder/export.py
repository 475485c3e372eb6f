"""Export the runs of a benchmark as lines of a file to keep in a repository."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

from zoo.atomic import write_atomically
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import Store
from zoo.errors import ResultsError

_NOT_EXPORTED = ("model", "reference", "error", "notes", "lists_hash", "external")
"""Fields of a row that a line does not have, or has elsewhere."""


def export(store: Store, folder: Path) -> Path | None:
    """Write the finished runs of a benchmark, without references and external lists, into the file of their data set, and return the file.

    The file is `<data set>.jsonl`, sorted, with a line for each run. A run of the same name (label, refit or not, seed) is
    replaced, and the other lines stay. A line contains config, seed, versions, machine, timings, training history and
    metrics. The lists are not exported. Without a finished run, no file is written and None is returned.

    Raises:
        ResultsError: The file cannot be read or written, or two runs of the benchmark have the same name.
    """
    with refusing_damage(store.folder):
        found = _export_rows(store)
    if not found:
        return None
    path = folder / f"{_slug(next(iter(found.values()))['data']['name'])}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = {run_name(run): run for run in read_runs(path)} if path.exists() else {}
        text = "".join(json.dumps(run, ensure_ascii=False) + "\n" for _, run in sorted({**lines, **found}.items()))
        with write_atomically(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ResultsError(f"{folder} cannot be written: {error.strerror or error}. Choose another folder.") from error
    return path


def _export_rows(store: Store) -> dict[str, dict[str, Any]]:
    """Return the content of the finished runs by their names.

    Raises:
        ResultsError: Two runs have the same name.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in store.rows():
        if row.error or row.reference or row.external:
            continue
        content = export_row(store, row)
        name = run_name(content)
        if name in found:
            raise ResultsError(
                f"{row.label}: another run of {store.folder} has the name {name}. Give it another label."
            )
        found[name] = content
    return found


def read_runs(path: Path) -> list[dict[str, Any]]:
    """Return the runs of a file that `export` has written.

    Raises:
        ResultsError: A line is not an exported run.
    """
    runs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        try:
            runs.append(json.loads(line))
            run_name(runs[-1])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResultsError(
                f"{path}:{number} is not a run that `zoo report --keep` has written. Remove the line, or choose another folder."
            ) from error
    return runs


def export_row(store: Store, row: Row) -> dict[str, Any]:
    """Return the content of a run's line."""
    manifest = store.manifest()
    description, experiment = manifest.description, manifest.experiment
    source = experiment["data"]["source"]
    return {
        "data": {
            "name": data_name(source),
            **{k: description[k] for k in ("events", "users", "items") if k in description},
        },
        "task": manifest.task,
        "config": {
            "data": {**experiment["data"], "source": _portable(source)},
            **{name: experiment[name] for name in ("split", "evaluate", "train") if name in experiment},
            "model": row.model,
        },
        "notes": manifest.notes,
        **{name: value for name, value in asdict(row).items() if name not in _NOT_EXPORTED},
    }


def data_name(source: dict[str, Any]) -> str:
    """Return the name of the data: the folder of their file, else their source."""
    files = source.get("interactions")
    first = files[0] if isinstance(files, list) and files else files
    folder = PurePath(first).parent.name if isinstance(first, str) else ""
    return folder or str(source.get("dataset") or source["name"]).rpartition("/")[2]


def run_name(content: dict[str, Any]) -> str:
    """Return the name of an exported run: label, refit or not, seed."""
    refit = "refit" if content["config"]["train"]["refit"] else "no-refit"
    seed = [] if content["seed"] is None else [f"seed-{content['seed']}"]
    return "-".join([_slug(content["label"]), refit, *seed])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _portable(value: Any) -> Any:
    """Return a value with absolute paths shortened to file and folder, so that the export does not depend on the machine."""
    if isinstance(value, dict):
        return {key: _portable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_portable(part) for part in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return "/".join(PurePath(value).parts[-2:])
    return value
