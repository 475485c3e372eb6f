"""The columns of the user table that a predictor or a ranker declares, as tensors by user number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from zoo.data.user_table import UserTable
from zoo.stages.column_tensors import ColumnTensors


@dataclass(frozen=True, eq=False)
class UserColumns(ColumnTensors):
    """Columns of the user table, one row per user number; row 0, of every unknown user, has no values.

    Attributes:
        users: The users, with the declared columns only.
    """

    kind: ClassVar[str] = "user"
    declared_in: ClassVar[str] = "user_columns"

    users: UserTable
    _converted: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, users: UserTable | None, names: Iterable[str]) -> UserColumns:
        """Return the declared columns of a user table; those that it lacks are left out."""
        users = users or UserTable.bare(0)
        return cls(users.select([name for name in names if name in users.columns]))

    @classmethod
    def none(cls) -> UserColumns:
        """Return no columns."""
        return cls.of(None, ())

    @property
    def _table(self) -> UserTable:
        return self.users
