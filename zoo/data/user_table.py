"""The users of a log: their ids and columns, ordered by user number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.data.numbered_table import NumberedTable


@dataclass(frozen=True, eq=False)
class UserTable(NumberedTable):
    """The users of a log with their columns. Row `u` of the log is user `u + 1`.

    Attributes:
        ids: The user ids as in the data, `[U + 1]`; entry 0 stands for every unknown user and is None.
        table: The columns, one row per user number. Row 0 and the rows of users that are missing from the users file are null.
    """

    called: ClassVar[str] = "the user table"
    file: ClassVar[str] = "users file"
    setting: ClassVar[str] = "data.user_columns"
    source: ClassVar[str] = "give the `source` of [data] a file of `users` (in Python, `read_log(..., users=...)`)"

    def described(self) -> NDArray[np.bool_]:
        """Return which users have a value in any column, `[U + 1]`; an unknown user has none."""
        present = np.zeros(len(self), np.bool_)
        for column in self.table.columns:
            present |= np.asarray(column.is_valid().to_numpy(), np.bool_)
        return present
