"""Features from the catalogue's categories and numbers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import TabularParams
from zoo.api import Catalogue, DataError, Featurizer, ItemFeatures, RunContext, TrainingData

USUAL = ("category", "brand", "price")
"""The columns that are read where none is named."""


class Tabular(Featurizer[TabularParams]):
    """One column of 0 or 1 a category, two columns a number: its standardised value, and whether it is missing.

    Means, deviations and the set of categories come from known items only. A category that no known item has gives zeros (or
    the feature of the `other` ones), a missing number gives the mean. Sparse where there is a categorical column, else dense.

    It needs no text and costs a look at each column. Beside `tf-idf` under `content-knn` a number weighs as much as all words
    of a title together, and mostly says less: put it before a network, which learns what each column is worth. `min_items`
    keeps rare categories out, `other` lets them share a feature.
    """

    fitted = ("categories", "numeric", "means", "deviations")
    categories: dict[str, list[str]]
    """The values of each categorical column that have a feature of their own."""
    numeric: list[str]
    means: Tensor
    deviations: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the categories, and measure the numbers, of known items.

        Raises:
            DataError: There is no such column, it is of another kind, or no known item has a value there.
        """
        p, catalogue = self.params, data.catalogue
        columns = _usual(catalogue) if p.names_none else p.columns
        self.numeric = [*(name for name in columns if catalogue.has_numbers(name)), *p.numeric]
        categorical = [*(name for name in columns if not catalogue.has_numbers(name)), *p.categorical]
        self.categories = {name: self._categories(catalogue, name, data.known) for name in categorical}
        numbers = self._numbers(catalogue)[data.known]
        present = np.isfinite(numbers)
        counts = present.sum(0)
        if not counts.all():
            raise _without_values(self.numeric[int(counts.argmin())], data.known)
        means = np.where(present, numbers, 0).sum(0) / counts
        deviations = np.sqrt(np.where(present, (numbers - means) ** 2, 0).sum(0) / counts)
        self.means = torch.from_numpy(means)
        self.deviations = torch.from_numpy(np.where(deviations > 0, deviations, 1.0))

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the features `[I, D]`."""
        names = [name for column in self.categories for name in self._named(column)]
        names += [f"{name}{end}" for name in self.numeric for end in ("", ":missing")]
        numbers = (self._numbers(catalogue) - self.means.numpy()) / self.deviations.numpy()
        missing = ~np.isfinite(numbers)
        dense = np.stack([np.where(missing, 0, numbers), missing], axis=-1).reshape(
            len(catalogue), 2 * len(self.numeric)
        )
        dense[0] = 0  # padding has no features, a missing value included
        if not self.categories:
            return ItemFeatures(torch.from_numpy(dense.astype(np.float32)), tuple(names))
        blocks = [
            _one_hot(*_present(catalogue, name), values, len(catalogue), other=self.params.other)
            for name, values in self.categories.items()
        ]
        matrix = scipy.sparse.hstack([*blocks, scipy.sparse.csr_matrix(dense)], format="csr", dtype=np.float32)
        return ItemFeatures.of_sparse(matrix, tuple(names))

    def _categories(self, catalogue: Catalogue, name: str, known: NDArray[np.bool_]) -> list[str]:
        """Return the values of a column that enough known items have, sorted.

        Raises:
            DataError: There is none.
        """
        items, values = _present(catalogue, name)
        distinct = pc.unique(values.filter(pa.array(known[items]))).sort().to_pylist()
        if not distinct:
            raise _without_values(name, known)
        counts = np.asarray(_one_hot(items, values, distinct, len(catalogue))[known].sum(axis=0)).ravel()
        kept = [value for value, count in zip(distinct, counts, strict=True) if count >= self.params.min_items]
        if not kept and not self.params.other:
            raise DataError(
                f"tabular: no value of the catalogue's column {name!r} is shared by {self.params.min_items} known items "
                f"({len(distinct)} values found). Lower `min_items`, or leave the column out."
            )
        return kept

    def _named(self, column: str) -> list[str]:
        """Return the names of a categorical column's features."""
        names = [f"{column}={value}" for value in self.categories[column]]
        return [*names, f"{column}:other"] if self.params.other else names

    def _numbers(self, catalogue: Catalogue) -> NDArray[np.float64]:
        """Return the numeric columns, `[I, N]`."""
        columns = [catalogue.numbers(name) for name in self.numeric]
        numbers = np.stack(columns, axis=1) if columns else np.zeros((len(catalogue), 0))
        return np.sign(numbers) * np.log1p(np.abs(numbers)) if self.params.log else numbers


def _usual(catalogue: Catalogue) -> list[str]:
    """Return the columns that most shops have, as far as this one has them.

    Raises:
        DataError: It has none.
    """
    found = [name for name in USUAL if name in catalogue.columns]
    if not found:
        raise DataError(
            f"tabular: no column is named, and the catalogue has none of {', '.join(USUAL)}. Its columns: "
            f"{', '.join(catalogue.columns) or 'none'}. Name some in `columns`."
        )
    return found


def _present(catalogue: Catalogue, column: str) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the values of a column that are there, `[M]`, and the item of each, `[M]`; a file of texts has empty ones for nulls."""
    items, values = catalogue.categories(column)
    there = pc.not_equal(pc.utf8_trim_whitespace(values), "")
    return items[there.to_numpy(zero_copy_only=False)], values.filter(there)


def _one_hot(
    items: NDArray[np.int64], values: pa.Array, categories: list[str], n: int, *, other: bool = False
) -> scipy.sparse.csr_matrix:
    """Return which categories each item has, `[n, C]`; values outside the categories are left out, or share a last column."""
    codes = pc.index_in(values, pa.array(categories, pa.string()))
    codes = (codes.fill_null(len(categories)) if other else codes).to_numpy(zero_copy_only=False)
    known = np.isfinite(codes)
    cells = (items[known], codes[known].astype(np.int64))
    matrix = scipy.sparse.csr_matrix((np.ones(known.sum(), np.float32), cells), (n, len(categories) + other))
    matrix.data[:] = 1.0  # a list may name a value twice
    return matrix


def _without_values(column: str, known: NDArray[np.bool_]) -> DataError:
    """Return what to say of a column that is empty for every known item."""
    return DataError(
        f"tabular: the catalogue's column {column!r} has no value for any of the {int(known.sum()):,} items that occur in "
        "training. Leave the column out, or mend the items file."
    )
