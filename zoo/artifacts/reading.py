"""What an artifact says about the data that it was fitted on, for `zoo data describe`."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from zoo.config.resolved import ResolvedExperiment
from zoo.data.moments import format_moment
from zoo.data.task import Task

FOLDER = re.compile(r"(?<=rows of ).*[/\\]")
"""The folder of a file in a note."""


def describe_reading(experiment: ResolvedExperiment, task: Task) -> dict[str, Any]:
    """Return source, settings, notes and cuts of a task as JSON; files without their folders, which are those of one machine.

    Args:
        experiment: The experiment of the task.
        task: The task.
    """
    data = experiment.experiment.data
    read: dict[str, Any] = {
        "source": {name: _without_folders(value) for name, value in experiment.source.as_json().items()},
        "settings": data.changed(),
        "cleaners": [cleaner.as_json() for cleaner in experiment.cleaners],
        "notes": {FOLDER.sub("", name): value for name, value in task.notes.items()},
        "starts": {str(part): format_moment(start) for part, start in task.parts.starts.items()},
    }
    hidden: dict[str, Any] = experiment.variables.hide(read)  # the uri of a database has a password
    return hidden


def _without_folders(value: Any) -> Any:
    """Return the names of files in a list of paths; another value as it is."""
    return [PurePath(path).name for path in value] if isinstance(value, list) else value
