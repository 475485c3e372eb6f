"""Ranking features of a plugin's group: call its function, and check what it returns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.candidate_settings import PluginGroup
from zoo.data.queries import Queries
from zoo.errors import ScoreError
from zoo.registry.plugin_extensions import import_target
from zoo.stages.item_columns import ItemColumns


def features_of_plugin(
    group: PluginGroup, queries: Queries, items: Tensor, item_columns: ItemColumns
) -> dict[str, NDArray[np.float32]]:
    """Return the features of a group of a plugin, each `[B, K]` or `[B, 1]`; their names start with that of the group.

    Args:
        group: The group and its parameters.
        queries: The B queries, whose histories end before the event to predict.
        items: The item numbers of the candidates, `[B, K]`; 0 in empty slots.
        item_columns: The catalogue columns that it declares.

    Raises:
        ScoreError: The features have another type or shape, or are NaN where there is a candidate.
        PluginError: The function cannot be imported.
    """
    name = group.spec.name
    function = import_target(group.spec.target, f"the candidate features {name!r}")
    columns = ItemColumns.of(item_columns.catalogue, group.columns)
    answer = function(queries, items.clone(), columns, group.params)
    if not isinstance(answer, Mapping):
        raise ScoreError(
            f"candidate features {name!r} returned {type(answer).__name__}, expected a dictionary of features"
        )
    found = {}
    for key, values in answer.items():
        array = np.asarray(values, np.float32)
        if array.shape not in (tuple(items.shape), (len(items), 1)):
            raise ScoreError(
                f"candidate features {name!r}: {key!r} has the shape {list(array.shape)}, expected {list(items.shape)}: queries, "
                "candidates"
            )
        if np.isnan(np.broadcast_to(array, tuple(items.shape))[(items > 0).numpy()]).any():
            raise ScoreError(f"candidate features {name!r}: {key!r} has NaN, expected numbers: fill missing values")
        found[f"{name}-{key}"] = array
    return found
