"""The users of a log: their ids and columns, ordered by user number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
