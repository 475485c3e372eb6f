"""The contents of an artifact: a fitted pipeline, and the items, users and histories that it recommends for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from zoo.artifacts.manifest import LogEntry
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.vocabulary import Vocabulary
from zoo.pipeline import FittedPipeline, Rules


@dataclass(frozen=True, eq=False, repr=False)
class ArtifactContents:
    """What an artifact consists of.

    Attributes:
        pipeline: The fitted stages.
        rules: Which items may be recommended.
        candidates: Number of candidates for the first ranker.
        catalogue: The item ids, and the titles if the data have them.
        user_ids: The user ids in the order of the rows of `histories`, `[U]`.
        histories: The events of each user; empty if the artifact was saved without histories.
        log: Clock, event types and end of the event log.
        data: The task that the pipeline was fitted on, as JSON.
    """

    pipeline: FittedPipeline
    rules: Rules
    candidates: int
    catalogue: Catalogue
    user_ids: pa.Array
    histories: Interactions
    log: LogEntry
    data: dict[str, Any]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the items."""
        return Vocabulary(self.catalogue.ids)
