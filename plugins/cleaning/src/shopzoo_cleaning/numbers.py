"""A column of numbers of the events, which several cleaners read."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.api import DataError, UncleanLog


def read_numbers(data: UncleanLog, name: str, cleaner: str) -> NDArray[np.float64]:
    """Return a column of the events, `[N]`; NaN where a value is missing.

    Raises:
        DataError: There is no such column, or it has no numbers; the message names the cleaner.
    """
    if not data.has_column(name):
        raise DataError(
            f"cleaner {cleaner!r} reads the column `{name}` of the events, and there is none. Map the column that holds it: "
            f'data.columns = {{ {name} = "..." }}, or leave the cleaner out of data.clean.'
        )
    column = data.log.column(name)
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"cleaner {cleaner!r}: the column `{name}` is {column.type}, expected numbers. Cast it in the file."
        ) from None
