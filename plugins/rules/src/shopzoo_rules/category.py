"""Categories: wanted values, unwanted values, or those of the user's last items."""

from difflib import get_close_matches

import numpy as np
import pyarrow.compute as pc
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_rules.params import CategoryParams
from zoo.api import Catalogue, DataError, Filter, Queries, RunContext, TrainingData


class Category(Filter[CategoryParams]):
    """Keeps an item if it has an allowed value, no denied one, and one in common with the query's last items.

    An item without a value has none to allow and none to deny.
    """

    fitted = ("kept", "offsets", "values", "n_values")
    kept: Tensor
    offsets: Tensor
    values: Tensor
    n_values: int

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Read the column, and look the wanted and unwanted values up."""
        matrix, names = item_values(data.catalogue, self.params.column)
        kept = np.ones(len(data.catalogue), np.bool_)
        if self.params.allow is not None:
            kept &= matrix @ self._marked(names, "allow", self.params.allow) > 0
        if self.params.deny is not None:
            kept &= matrix @ self._marked(names, "deny", self.params.deny) == 0
        self.kept = torch.from_numpy(kept)
        self.offsets, self.values = torch.from_numpy(matrix.indptr), torch.from_numpy(matrix.indices)
        self.n_values = len(names)

    def keep(self, queries: Queries) -> Tensor:
        """Return the items with a wanted value, `[B, I]`; `[1, I]` where the history does not matter."""
        if self.params.like_last is None:
            return self.kept[None]
        offsets, values = self.offsets.numpy(), self.values.numpy()
        shape = (len(offsets) - 1, self.n_values)
        matrix = scipy.sparse.csr_matrix((np.ones(len(values), np.float32), values, offsets), shape)
        h = queries.histories
        last = h.offsets[h.rows + 1] - np.arange(len(h.items)) <= self.params.like_last
        cells = (np.ones(last.sum(), np.float32), (h.rows[last], h.items[last]))
        liked = (scipy.sparse.csr_matrix(cells, (len(queries), shape[0])) @ matrix).toarray()  # [B, values]
        shared = torch.from_numpy(matrix @ np.ascontiguousarray(liked.T)).T > 0
        return self.kept & (shared | torch.from_numpy(~liked.any(axis=1))[:, None])

    def _marked(self, names: list[str], key: str, wanted: list[str]) -> NDArray[np.float32]:
        """Return 1 for the wanted values and 0 for the others, `[values]`.

        Raises:
            DataError: The column has no such value.
        """
        for value in wanted:
            if value not in names:
                near = "".join(f" Did you mean {n!r}?" for n in get_close_matches(value, names, n=1))
                some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
                raise DataError(
                    f"category: `{key}` names {value!r}, which is no value of the catalogue's column "
                    f"{self.params.column!r}.{near} Its {len(names)} values: {some}."
                )
        return np.isin(names, wanted).astype(np.float32)


def item_values(catalogue: Catalogue, name: str) -> tuple[scipy.sparse.csr_matrix, list[str]]:
    """Return which values each item has in a column, `[I, values]`, and the values, sorted.

    Raises:
        DataError: There is no such column, or its values are not categories.
    """
    items, values = catalogue.categories(name)
    names = pc.unique(values).sort()
    codes = pc.index_in(values, names).to_numpy()
    matrix = scipy.sparse.csr_matrix((np.ones(len(codes), np.float32), (items, codes)), (len(catalogue), len(names)))
    return matrix, names.to_pylist()
