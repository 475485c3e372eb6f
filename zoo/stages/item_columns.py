"""The catalogue columns that a metric or a ranker declares, as tensors by item number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.errors import DataError
from zoo.stages.item_features import ItemFeatures


@dataclass(frozen=True, eq=False)
class ItemColumns:
    """Columns of the catalogue. Each method converts a column at its first call and returns the same object again.

    Attributes:
        catalogue: The items, with the declared columns only.
    """

    catalogue: Catalogue
    _converted: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, catalogue: Catalogue, names: Iterable[str]) -> ItemColumns:
        """Return the declared columns of a catalogue; those that it lacks are left out."""
        return cls(catalogue.select([name for name in names if name in catalogue.columns]))

    def numbers(self, name: str) -> Tensor:
        """Return a column of numbers, `[I]` float64, NaN for an item without a value.

        Raises:
            DataError: The column is not declared, or not numeric.
        """
        numbers: Tensor = self._convert("numbers", name, lambda: torch.from_numpy(self.catalogue.numbers(name).copy()))
        return numbers

    def codes(self, name: str) -> Tensor:
        """Return the category of each item as a number from 1, `[I]` int64, 0 for an item without one.

        The numbers are those of the columns of `shares`, counted from 1. Of several categories the first one counts.

        Raises:
            DataError: The column is not declared, or holds no categories.
        """

        def convert() -> Tensor:
            items, values = self.catalogue.categories(name)
            encoded = values.dictionary_encode()
            codes = np.zeros(len(self.catalogue), np.int64)
            codes[items[::-1]] = encoded.indices.to_numpy()[::-1] + 1  # the first one is written last
            return torch.from_numpy(codes)

        codes: Tensor = self._convert("codes", name, convert)
        return codes

    def shares(self, name: str) -> ItemFeatures:
        """Return the share of each category in each item, `[I, C]` sparse: 1/n for each of an item's n categories.

        The row of an item without a category is zero. `names` are the categories.

        Raises:
            DataError: The column is not declared, or holds no categories.
        """

        def convert() -> ItemFeatures:
            items, values = self.catalogue.categories(name)
            encoded = values.dictionary_encode()
            n_items, names = len(self.catalogue), tuple(encoded.dictionary.to_pylist())
            shares = 1 / np.bincount(items, minlength=n_items)[items]
            codes = encoded.indices.to_numpy()
            matrix = scipy.sparse.csr_matrix((shares.astype(np.float32), (items, codes)), (n_items, len(names)))
            matrix.sum_duplicates()
            return ItemFeatures.of_sparse(matrix, names)

        shares: ItemFeatures = self._convert("shares", name, convert)
        return shares

    def _convert(self, form: str, name: str, convert: Callable[[], Any]) -> Any:
        if name not in self.catalogue.columns:
            raise DataError(
                f"the item column {name!r} is not declared. Add it to `columns` of the component's Capabilities. Declared: "
                f"{', '.join(self.catalogue.columns) or 'none'}."
            )
        if (form, name) not in self._converted:
            self._converted[form, name] = convert()
        return self._converted[form, name]
