"""The rules of one call: items to exclude, and values that items must have, on top of the rules of the artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.id_texts import id_texts, warn_of_unknown_items
from zoo.artifacts.item_columns import LONGEST
from zoo.data.item_values import items_with_value
from zoo.errors import DataError, suggestion
from zoo.pipeline import Rules


def call_rules(artifact: ArtifactContents, exclude: Sequence[Any] | None, where: Mapping[str, Any] | None) -> Rules:
    """Return the rules of a call.

    Args:
        artifact: The artifact.
        exclude: Item ids that must not be recommended; a warning names ids that the artifact does not know.
        where: Maps an item column to the value, or the list of values, that an item must have.

    Raises:
        DataError: `exclude` is not a list, `where` is not a dictionary, a column does not exist, or no item has a value.
    """
    if isinstance(exclude, str):
        raise DataError(f"exclude is {exclude!r}, expected a list of item ids: write [{exclude!r}].")
    if where is not None and not isinstance(where, Mapping):
        raise DataError(
            f"where is {where!r}, expected a dictionary of columns and values: where={{'category': 'tea'}}."
        )
    excluded = [] if exclude is None else id_texts(exclude, "exclude")
    if not excluded and not where:
        return artifact.rules
    eligible = artifact.rules.eligible.copy()
    for column, value in (where or {}).items():
        eligible &= items_where(artifact, column, value)
    numbers = artifact.item_numbers
    found = [numbers.get(item, 0) for item in excluded]
    eligible[found] = False
    warn_of_unknown_items("exclude", excluded, numbers, "nothing is excluded for them", stacklevel=3)
    return replace(artifact.rules, eligible=eligible)


def items_where(artifact: ArtifactContents, column: str, value: Any) -> NDArray[np.bool_]:
    """Return the items that have a value in a column, `[I]`; the result is kept for the next call.

    Raises:
        DataError: The column does not exist, or no item has the value.
    """
    value = list(value) if isinstance(value, tuple | set | frozenset) else value
    key = (column, repr(value))
    found = artifact.value_masks.get(key)
    if found is None:
        found = _compare(artifact, column, value)
        if len(artifact.value_masks) >= 256:
            artifact.value_masks.clear()
        artifact.value_masks[key] = found
    return found


def _compare(artifact: ArtifactContents, column: str, value: Any) -> NDArray[np.bool_]:
    """Return the items that have a value in a column, `[I]`; a Boolean asks whether a number is above 0."""
    catalogue = artifact.catalogue
    if column not in catalogue.columns:
        raise DataError(
            f"where: the artifact has no item column {column!r}.{suggestion(column, catalogue.columns)} Its columns: "
            f"{', '.join(catalogue.columns) or 'none'}. Give `read_log` a table of items with this column before the fit, or add it with "
            f"update_items; texts of more than {LONGEST} characters are not kept."
        )
    if value is None or value == [] or isinstance(value, dict):
        raise DataError(f"where: {column} is {value!r}, expected a value or a list of values.")
    if isinstance(value, bool) and catalogue.has_numbers(column):
        numbers = np.nan_to_num(catalogue.numbers(column), nan=0.0)
        has: NDArray[np.bool_] = (numbers > 0) == value
        has[0] = False
        return has
    yes_or_no = isinstance(value, bool) and pa.types.is_boolean(catalogue.table[column].type)
    return items_with_value(catalogue, column, value, "where", may_be_none=yes_or_no)
