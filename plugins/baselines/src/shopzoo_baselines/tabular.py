"""Features from the categorical and numeric columns of the catalogue."""

from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import TabularParams
from zoo.api import Catalogue, DataError, Featurizer, Fitted, ItemFeatures, RunContext, TrainingData

USUAL = ("category", "brand", "price")
"""The columns that are read if none is named."""


class Tabular(Featurizer[TabularParams]):
    """One-hot features for categories, and two features for a number: its standardised value, and whether it is missing.

    Means, deviations and the set of categories are computed from known items only. A category that no known item has is encoded
    as zeros (or as `other`), a missing number as the mean. The features are sparse if there is a categorical column, else dense.

    It needs no text, and its cost is one pass over each column. Combined with `tf-idf` under `content-knn`, a number has as much
    weight as all words of a title together, and is usually less informative; use it with a neural model, which learns the weight
    of each column. `min_items` drops rare categories, `other` gives them a shared feature.
    """

    fitted = Fitted(
        categories=dict[str, list[str]],
        numeric=Annotated[list[str], "N"],
        means="float64 [N]",
        deviations="float64 [N]",
    )
    categories: dict[str, list[str]]
    """The values of each categorical column that have their own feature."""
    numeric: list[str]
    means: Tensor
    deviations: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the categories of known items, and compute the means and deviations of their numbers.

        Raises:
            DataError: A column does not exist, has the wrong type, or has no value for any known item.
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
        names = [name for column in self.categories for name in self._feature_names(column)]
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
        """Return the sorted values of a column that at least `min_items` known items have.

        Raises:
            DataError: There is no such value.
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

    def _feature_names(self, column: str) -> list[str]:
        """Return the names of a categorical column's features."""
        names = [f"{column}={value}" for value in self.categories[column]]
        return [*names, f"{column}:other"] if self.params.other else names

    def _numbers(self, catalogue: Catalogue) -> NDArray[np.float64]:
        """Return the numeric columns, `[I, N]`."""
        columns = [catalogue.numbers(name) for name in self.numeric]
        numbers = np.stack(columns, axis=1) if columns else np.zeros((len(catalogue), 0))
        return np.sign(numbers) * np.log1p(np.abs(numbers)) if self.params.log else numbers


def _usual(catalogue: Catalogue) -> list[str]:
    """Return the default columns that the catalogue has.

    Raises:
        DataError: It has none of them.
    """
    found = [name for name in USUAL if name in catalogue.columns]
    if not found:
        raise DataError(
            f"tabular: no column is named, and the catalogue has none of {', '.join(USUAL)}. Its columns: "
            f"{', '.join(catalogue.columns) or 'none'}. Name columns in `columns`."
        )
    return found


def _present(catalogue: Catalogue, column: str) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the item of each nonempty value of a column, `[M]`, and the values, `[M]`; CSV files have empty strings for nulls."""
    items, values = catalogue.categories(column)
    present = pc.not_equal(pc.utf8_trim_whitespace(values), "")
    return items[present.to_numpy(zero_copy_only=False)], values.filter(present)


def _one_hot(
    items: NDArray[np.int64], values: pa.Array, categories: list[str], n: int, *, other: bool = False
) -> scipy.sparse.csr_matrix:
    """Return the one-hot matrix of the categories of each item, `[n, C]`; other values are dropped, or share the last column."""
    codes = pc.index_in(values, pa.array(categories, pa.string()))
    codes = (codes.fill_null(len(categories)) if other else codes).to_numpy(zero_copy_only=False)
    known = np.isfinite(codes)
    cells = (items[known], codes[known].astype(np.int64))
    matrix = scipy.sparse.csr_matrix((np.ones(known.sum(), np.float32), cells), (n, len(categories) + other))
    matrix.sum_duplicates()  # a list column may contain a value twice; not every version of scipy adds them up itself
    matrix.data[:] = 1.0
    return matrix


def _without_values(column: str, known: NDArray[np.bool_]) -> DataError:
    """Return the error for a column that is empty for every known item."""
    return DataError(
        f"tabular: the catalogue's column {column!r} has no value for any of the {int(known.sum()):,} items that occur in "
        "training. Remove the column, or fix the items file."
    )
