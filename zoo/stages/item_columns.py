"""The catalogue columns that a metric or a ranker declares, as tensors by item number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from zoo.data.catalogue import Catalogue
from zoo.stages.column_tensors import ColumnTensors


@dataclass(frozen=True, eq=False)
class ItemColumns(ColumnTensors):
    """Columns of the catalogue, one row per item number.

    Attributes:
        catalogue: The items, with the declared columns only.
    """

    kind: ClassVar[str] = "item"
    declared_in: ClassVar[str] = "columns"

    catalogue: Catalogue
    _converted: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, catalogue: Catalogue, names: Iterable[str]) -> ItemColumns:
        """Return the declared columns of a catalogue; those that it lacks are left out."""
        return cls(catalogue.select([name for name in names if name in catalogue.columns]))

    @property
    def _table(self) -> Catalogue:
        return self.catalogue
