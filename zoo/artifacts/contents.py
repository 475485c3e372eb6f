"""The contents of an artifact: a fitted pipeline, and the items, users and histories that it recommends for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.artifacts.item_columns import item_titles
from zoo.artifacts.manifest import LogEntry
from zoo.artifacts.recommended import ItemNames
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.vocabulary import Vocabulary
from zoo.pipeline import FittedPipeline, Rules

if TYPE_CHECKING:
    from zoo.artifacts.retriever import RetrieverEntry


@dataclass(frozen=True, eq=False, repr=False)
class ArtifactContents:
    """What an artifact consists of.

    Attributes:
        pipeline: The fitted stages.
        rules: Which items may be recommended.
        candidates: Number of candidates for the first ranker.
        catalogue: The item ids, the titles if the data have them, and the columns that rules may read.
        user_ids: The user ids in the order of the rows of `histories`, `[U]`.
        histories: The events of each user; empty if the artifact was saved without histories.
        log: Clock, event types and end of the event log.
        data: The task that the pipeline was fitted on, as JSON.
        retriever: What the index of the item vectors finds; None without an index.
    """

    pipeline: FittedPipeline
    rules: Rules
    candidates: int
    catalogue: Catalogue
    user_ids: pa.Array
    histories: Interactions
    log: LogEntry
    data: dict[str, Any]
    retriever: RetrieverEntry | None = None

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the items."""
        return Vocabulary(self.catalogue.ids)

    @cached_property
    def item_numbers(self) -> dict[str, int]:
        """The number of each item id; a dictionary answers one id in constant time."""
        return dict(zip(self.catalogue.ids.to_pylist()[1:], range(1, len(self.catalogue)), strict=True))

    @cached_property
    def titles(self) -> pa.Array:
        """The item titles, `[I]`; null if an item has none."""
        return item_titles(self.catalogue)

    @cached_property
    def names(self) -> ItemNames:
        """The ids and titles of the items."""
        return ItemNames(self.catalogue.ids, self.titles)

    @cached_property
    def user_numbers(self) -> dict[str, int]:
        """The number of each user id."""
        return dict(zip(self.user_ids.to_pylist(), range(1, len(self.user_ids) + 1), strict=True))

    @cached_property
    def value_masks(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Which items have a value, `[I]`, by column and value; filled by the rules of calls."""
        return {}
