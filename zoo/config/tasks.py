"""The table of tasks: a task is one entry here, and modules of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config.experiment import Experiment
from zoo.config.experiment_file import ExperimentFile
from zoo.config.protocol import ProtocolFacts, format_rank_protocol, format_recommend_protocol
from zoo.config.rank_lookup import resolve_rank
from zoo.config.ranking import RankExperiment
from zoo.config.recommend_lookup import resolve_recommend
from zoo.config.resolved import BaseResolvedExperiment
from zoo.errors import ConfigError, suggestion
from zoo.registry.registry import Registry


@dataclass(frozen=True)
class TaskEntry:
    """What the harness knows of a task.

    Attributes:
        file: The model of its experiment file; the JSON schema and the docs are generated from it.
        resolve: Validates the content of a file and looks its components up, in a registry, with paths relative to a folder.
        comparison: Import string `"module:attribute"` of its `zoo.benchmark.comparison.Comparison`, imported when it runs.
        format_protocol: Returns how its figures were measured, in a sentence.
        about: What it compares, a sentence for the docs.
    """

    file: type[ExperimentFile]
    resolve: Callable[[dict[str, Any], Registry, Path], BaseResolvedExperiment]
    comparison: str
    format_protocol: Callable[[ProtocolFacts], str]
    about: str


DEFAULT_TASK = "recommend"
"""The task of a file that names none."""

TASKS: dict[str, TaskEntry] = {
    "recommend": TaskEntry(
        Experiment,
        resolve_recommend,
        "zoo.benchmark.recommend:RecommendComparison",
        format_recommend_protocol,
        "The file compares models that recommend items to users.",
    ),
    "rank": TaskEntry(
        RankExperiment,
        resolve_rank,
        "zoo.benchmark.rank:RankComparison",
        format_rank_protocol,
        "The file compares rankers on lists that judges have graded "
        "([Learning to rank](../how-to/learning-to-rank.md)).",
    ),
}


def find_task(name: Any) -> TaskEntry:
    """Return the entry of a task.

    Raises:
        ConfigError: There is no such task.
    """
    if isinstance(name, str) and name in TASKS:
        return TASKS[name]
    expected = " or ".join(map(repr, TASKS))
    raise ConfigError(f"task: expected {expected}, found {name!r}.{suggestion(str(name), TASKS)}")
