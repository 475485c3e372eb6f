"""The version of the plugin API since which the names of `zoo.api` exist, and plugins that use newer ones than they declare."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zoo.registry.plugin import Plugin

SINCE = {
    "CandidateFeatureSpec": 2,
    "Cleaned": 2,
    "Cleaner": 2,
    "CommandSpec": 2,
    "Contributions": 2,
    "DataSize": 2,
    "EvaluatedLists": 2,
    "Executor": 2,
    "ExecutorSpec": 2,
    "ExperimentPath": 2,
    "FieldError": 2,
    "FinishedRun": 2,
    "Fitted": 2,
    "Flag": 2,
    "ItemColumns": 2,
    "Job": 2,
    "Launcher": 2,
    "LossName": 2,
    "LossSpec": 2,
    "PendingRun": 2,
    "Request": 2,
    "RequestEvent": 2,
    "SamplerSpec": 2,
    "SplitParams": 2,
    "SplitSpec": 2,
    "Trained": 2,
    "UncleanLog": 2,
    "UserColumns": 2,
    "UserTable": 2,
    "answer_requests": 2,
    "choose_epochs": 2,
    "explain_request": 2,
    "parse_request": 2,
    "perform_run": 2,
}
"""The names of `zoo.api` that version 1 of the plugin API did not have, and the version that added each."""


def describe_newer_names(plugin: Plugin) -> list[str]:
    """Return a note if the code of a plugin imports names that are newer than the API its components declare.

    An older core refuses a component of a newer API with what to update. With too low a number, the import fails there first.
    """
    declared = min((spec.api for spec in plugin.specs if spec.api >= 1), default=None)
    if declared is None or declared >= max(SINCE.values()):  # no component, or nothing is newer
        return []
    newer = sorted(name for name in set(_imported_names(plugin)) if SINCE.get(name, 1) > declared)
    if not newer:
        return []
    needed = max(SINCE[name] for name in newer)
    return [
        f"its components declare api = {declared}, and its code imports {', '.join(newer)}, which zoo.api has since API {needed}: "
        f"set api={needed}, so that an older shopzoo says what to update"
    ]


def _imported_names(plugin: Plugin) -> Iterator[str]:
    """Yield the names that the files of a plugin import from `zoo.api`."""
    module = sys.modules.get(plugin.module.__name__.partition(".")[0], plugin.module)
    file = Path(module.__file__ or "")
    for path in sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]:
        with suppress(OSError, SyntaxError, ValueError):
            source = path.read_bytes()
            if b"zoo.api" not in source:  # parsing is what takes time
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ImportFrom) and node.module == "zoo.api":
                    yield from (alias.name for alias in node.names)
