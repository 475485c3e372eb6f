"""The table of tasks: each task is one entry here plus its own modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config.experiment import Experiment
from zoo.config.experiment_file import ExperimentFile
from zoo.config.protocol import ProtocolFacts, format_rank_protocol, format_recommend_protocol
from zoo.config.rank_experiment import RankExperiment
from zoo.config.rank_lookup import resolve_rank
from zoo.config.recommend_lookup import resolve_recommend
from zoo.config.resolved_base import BaseResolvedExperiment
from zoo.errors import ConfigError, suggestion
from zoo.registry.registry import Registry


@dataclass(frozen=True)
class TaskEntry:
    """The entry of a task.

    Attributes:
        file: The pydantic model of the experiment file; the JSON schema and the docs are generated from it.
        resolve: Validates the content of a file and looks up its components in a registry; paths are relative to a folder.
        comparison: Import string `"module:attribute"` of the `zoo.benchmark.comparison.Comparison`, imported at first use.
        format_protocol: Returns the evaluation protocol in one sentence.
        about: One sentence for the docs about what the task compares.
    """

    file: type[ExperimentFile]
    resolve: Callable[[dict[str, Any], Registry, Path], BaseResolvedExperiment]
    comparison: str
    format_protocol: Callable[[ProtocolFacts], str]
    about: str


DEFAULT_TASK = "recommend"
"""The task of a file without the key `task`."""

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
        ConfigError: No task has this name.
    """
    if isinstance(name, str) and name in TASKS:
        return TASKS[name]
    expected = " or ".join(map(repr, TASKS))
    raise ConfigError(f"task: expected {expected}, found {name!r}.{suggestion(str(name), TASKS)}")
