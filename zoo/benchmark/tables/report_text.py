"""The results of a benchmark as its report shows them: names from data, configs and plugins are not markup.

Tables and sentences of the report are composed from a `ReportStore`, in which every label is escaped for Markdown and every
other text is defused. On the terminal they are composed from the store itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.snapshot import StoreSnapshot
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.text_safety import defuse_markdown, escape_markdown


class ReportStore(StoreSnapshot):
    """A store whose labels and texts are safe in Markdown; it is read, never written to."""

    @cached_property
    def _rows(self) -> list[Row]:
        return [
            replace(
                row,
                label=escape_markdown(row.label),
                **{
                    name: _defuse(value) for name, value in vars(row).items() if name not in ("key", "label", "metrics")
                },
            )
            for row in StoreSnapshot(self.folder).rows()
        ]

    @cached_property
    def _manifest(self) -> BenchmarkManifest:
        found = StoreSnapshot(self.folder).manifest()
        experiment = _defuse(found.experiment)
        for model, raw in zip(experiment["model"], found.experiment["model"], strict=True):
            model["label"] = escape_markdown(raw["label"])
        notes, findings, hints = _defuse(found.notes), _defuse(found.findings), _defuse(found.hints)
        return replace(found, experiment=experiment, notes=notes, findings=findings, hints=hints)


def _defuse(plain: Any) -> Any:
    """Return a JSON value with each of its texts defused, also the keys of its tables."""
    if isinstance(plain, dict):
        return {_defuse(key): _defuse(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_defuse(value) for value in plain]
    return defuse_markdown(plain) if isinstance(plain, str) else plain
