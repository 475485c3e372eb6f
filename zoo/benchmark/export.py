"""Export the runs of a benchmark as small self-contained files to keep in a repository."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

from zoo.atomic import write_atomically
from zoo.benchmark.row import Row
from zoo.benchmark.store import Store
from zoo.errors import ResultsError


def export(store: Store, folder: Path) -> list[Path]:
    """Write one file for each finished run of a benchmark, without references, and return the files. A file of the same name is replaced.

    A file contains config, seed, versions, machine, timings, training history and metrics. The lists are not exported.

    Raises:
        ResultsError: A file cannot be written, or two runs would get the same file name.
    """
    texts: dict[Path, str] = {}
    for row in store.rows():
        if row.error or row.reference:
            continue
        content = export_row(store, row)
        path = folder / f"{_name(content)}.json"
        if path in texts:
            raise ResultsError(
                f"{row.label}: another run of {store.folder} has the same file name, {path}. Give it another label."
            )
        texts[path] = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with write_atomically(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{folder} cannot be written: {error.strerror or error}. Choose another folder.") from error
    return list(texts)


def export_row(store: Store, row: Row) -> dict[str, Any]:
    """Return the content of a run's file."""
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
        **{name: value for name, value in asdict(row).items() if name not in ("model", "reference", "error", "notes")},
    }


def data_name(source: dict[str, Any]) -> str:
    """Return the name of the data: the folder of their file, else their source."""
    files = source.get("interactions")
    first = files[0] if isinstance(files, list) and files else files
    folder = PurePath(first).parent.name if isinstance(first, str) else ""
    return folder or str(source.get("dataset") or source["name"]).rpartition("/")[2]


def _name(content: dict[str, Any]) -> str:
    """Return the file name of a run: data, model, refit or not, seed."""
    refit = "refit" if content["config"]["train"]["refit"] else "no-refit"
    seed = [] if content["seed"] is None else [f"seed-{content['seed']}"]
    parts = [content["data"]["name"], content["label"], refit, *seed]
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)


def _portable(value: Any) -> Any:
    """Return a value with absolute paths shortened to file and folder, so that the export does not depend on the machine."""
    if isinstance(value, dict):
        return {key: _portable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_portable(part) for part in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return "/".join(PurePath(value).parts[-2:])
    return value
