"""Columns by number as tensors: the base of the item columns and the user columns that components declare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.data.numbered_table import NumberedTable
from zoo.errors import DataError
from zoo.stages.item_features import ItemFeatures


class ColumnTensors(ABC):
    """Declared columns of a table. Each method converts a column at its first call and returns the same object again."""

    kind: ClassVar[str]
    """What a row is: `item`."""
    declared_in: ClassVar[str]
    """The field of the Capabilities that declares the columns."""
    _converted: dict[tuple[str, str], Any]

    @property
    @abstractmethod
    def _table(self) -> NumberedTable:
        """Return the table with the declared columns only."""

    def numbers(self, name: str) -> Tensor:
        """Return a column of numbers, `[R]` float64, NaN without a value.

        Raises:
            DataError: The column is not declared, or not numeric.
        """
        numbers: Tensor = self._convert("numbers", name, lambda: torch.from_numpy(self._table.numbers(name).copy()))
        return numbers

    def codes(self, name: str) -> Tensor:
        """Return the category of each row as a number from 1, `[R]` int64, 0 without one.

        The numbers are those of the columns of `shares`, counted from 1. Of several categories the first one counts.

        Raises:
            DataError: The column is not declared, or holds no categories.
        """

        def convert() -> Tensor:
            rows, values = self._table.categories(name)
            encoded = values.dictionary_encode()
            codes = np.zeros(len(self._table), np.int64)
            codes[rows[::-1]] = encoded.indices.to_numpy()[::-1] + 1  # the first one is written last
            return torch.from_numpy(codes)

        codes: Tensor = self._convert("codes", name, convert)
        return codes

    def shares(self, name: str) -> ItemFeatures:
        """Return the share of each category in each row, `[R, C]` sparse: 1/n for each of its n categories.

        A row without a category is zero. `names` are the categories.

        Raises:
            DataError: The column is not declared, or holds no categories.
        """

        def convert() -> ItemFeatures:
            rows, values = self._table.categories(name)
            encoded = values.dictionary_encode()
            n_rows, names = len(self._table), tuple(encoded.dictionary.to_pylist())
            shares = 1 / np.bincount(rows, minlength=n_rows)[rows]
            codes = encoded.indices.to_numpy()
            matrix = scipy.sparse.csr_matrix((shares.astype(np.float32), (rows, codes)), (n_rows, len(names)))
            matrix.sum_duplicates()
            return ItemFeatures.of_sparse(matrix, names)

        shares: ItemFeatures = self._convert("shares", name, convert)
        return shares

    def _convert(self, form: str, name: str, convert: Callable[[], Any]) -> Any:
        """Return a converted column.

        Raises:
            DataError: The column is not declared.
        """
        if name not in self._table.columns:
            raise DataError(
                f"the {self.kind} column {name!r} is not declared. Add it to `{self.declared_in}` of the component's Capabilities. Declared: "
                f"{', '.join(self._table.columns) or 'none'}."
            )
        if (form, name) not in self._converted:
            self._converted[form, name] = convert()
        return self._converted[form, name]
