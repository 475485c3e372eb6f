"""Items by the value of a column of the catalogue: which items may be recommended, for a task or for one call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.errors import DataError


def items_with_values(catalogue: Catalogue, wanted: dict[str, Any], setting: str) -> NDArray[np.bool_]:
    """Return the items that have a wanted value in each of several columns, `[I]`; padding never does.

    Args:
        catalogue: The items.
        wanted: Maps a column to a value, or to a list of values of which one suffices.
        setting: The name of `wanted` in messages.

    Raises:
        DataError: A column does not exist, or no item has the wanted value.
    """
    eligible = np.ones(len(catalogue), np.bool_)
    eligible[0] = False
    for column, value in wanted.items():
        eligible &= items_with_value(catalogue, column, value, setting)
    return eligible


def items_with_value(
    catalogue: Catalogue, column: str, value: Any, setting: str, *, may_be_none: bool = False
) -> NDArray[np.bool_]:
    """Return the items that have a value, or one of a list of values, in a column, `[I]`; in a column of lists, one match suffices.

    Args:
        catalogue: The items.
        column: The column.
        value: The value or the values; they are compared as text.
        setting: The name of the rule in messages.
        may_be_none: Whether no item may have the value.

    Raises:
        DataError: The column does not exist, or no item has the wanted value.
    """
    try:
        items, texts = catalogue.categories(column)
    except DataError as error:
        raise DataError(f"{setting}: {error}") from None
    listed = value if isinstance(value, list) else [value]
    if all(isinstance(v, bool) for v in listed):
        texts = pc.utf8_lower(texts)  # a CSV file may contain True or TRUE
    chosen = [pa.array([v]).cast(pa.string()) for v in listed]
    has = np.zeros(len(catalogue), np.bool_)
    if chosen:
        has[items[pc.is_in(texts, value_set=pa.concat_arrays(chosen)).to_numpy(zero_copy_only=False)]] = True
    if not may_be_none and not has.any():
        common = sorted(pc.value_counts(texts).to_pylist(), key=lambda c: -c["counts"])[:5]
        found = ", ".join(f"{c['values']!r} ({c['counts']:,} items)" for c in common) or "none"
        ranges = " A range of numbers is a filter of the model: price-band." if catalogue.has_numbers(column) else ""
        raise DataError(
            f"{setting}: no item has {column} = {value!r}. Most frequent values: {found}. Choose one of its values.{ranges}"
        )
    return has
