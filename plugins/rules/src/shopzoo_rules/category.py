"""Category rules: allowed values, denied values, or the values of the user's last items."""

from difflib import get_close_matches
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_rules.params import CategoryParams
from zoo.api import Catalogue, DataError, Filter, Fitted, Queries, RunContext, State, TrainingData
from zoo.nn.sparse import checked_csr, csr_tensor, of_parts, parts_of, scipy_matrix, stacked


class Category(Filter[CategoryParams]):
    """Keeps an item if it has an allowed value, no denied value, and a value in common with the last items of the query.

    An item without a value is neither allowed nor denied.
    """

    fitted = Fitted(kept="bool [I]", values="csr float32 [I, V]", names=Annotated[list[str], "V"])
    kept: Tensor
    """Marks the items with an allowed value and no denied one, `[I]` bool."""
    values: Tensor
    """The one-hot values of each item, `[I, V]` in CSR layout."""
    names: list[str]
    """The V values."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Read the column, and look up the allowed and denied values."""
        matrix, self.names = item_values(data.catalogue, self.params.column)
        for key, wanted in (("allow", self.params.allow), ("deny", self.params.deny)):
            self._check_known(key, wanted or [])
        self.kept = self._keep_mask(matrix)
        self.values = csr_tensor(matrix)

    def add_items(self, catalogue: Catalogue) -> None:
        """Read the column of new items, which may have new values."""
        matrix, self.names = item_values(catalogue, self.params.column, self.names)
        self.kept = torch.cat([self.kept, self._keep_mask(matrix)[1:]])
        before = parts_of(self.values)
        self.values = stacked(
            of_parts(before, len(self.names)), csr_tensor(matrix[1:])
        )  # widened to the new number of values

    def update_items(self, catalogue: Catalogue) -> None:
        """Read the column again; it may have new values."""
        matrix, self.names = item_values(catalogue, self.params.column, self.names)
        self.kept, self.values = self._keep_mask(matrix), csr_tensor(matrix)

    def keep(self, queries: Queries) -> Tensor:
        """Return a mask of the items to keep, `[B, I]`; `[1, I]` if it does not depend on the history."""
        if self.params.like_last is None:
            return self.kept[None]
        matrix = scipy_matrix(self.values)
        h = queries.histories
        last = h.offsets[h.rows + 1] - np.arange(len(h.items)) <= self.params.like_last
        cells = (np.ones(last.sum(), np.float32), (h.rows[last], h.items[last]))
        liked = (scipy.sparse.csr_matrix(cells, (len(queries), matrix.shape[0])) @ matrix).toarray()  # [B, values]
        shared = torch.from_numpy(matrix @ np.ascontiguousarray(liked.T)).T > 0
        return self.kept & (shared | torch.from_numpy(~liked.any(axis=1))[:, None])

    def migrate(self, state: State) -> State:
        """Convert a state of an earlier version, with columns and offsets, to one with a CSR tensor."""
        if "offsets" not in state.tensors:
            return state
        kept, offsets, columns = (state.tensors[name] for name in ("kept", "offsets", "values"))
        ones, shape = torch.ones(columns.shape), (len(kept), len(state.values["names"]))
        return State({"kept": kept, "values": checked_csr(offsets, columns, ones, shape)}, state.values)

    def _keep_mask(self, matrix: scipy.sparse.csr_matrix) -> Tensor:
        """Return a mask of the items with an allowed value and no denied one, `[I]` bool."""
        kept = np.ones(matrix.shape[0], np.bool_)
        if self.params.allow is not None:
            kept &= matrix @ self._marked(self.params.allow) > 0
        if self.params.deny is not None:
            kept &= matrix @ self._marked(self.params.deny) == 0
        return torch.from_numpy(kept)

    def _marked(self, wanted: list[str]) -> NDArray[np.float32]:
        """Return 1 for the wanted values and 0 for the others, `[values]`."""
        return np.isin(self.names, wanted).astype(np.float32)

    def _check_known(self, key: str, wanted: list[str]) -> None:
        """Check that the column has all wanted values.

        Raises:
            DataError: It does not have one of them.
        """
        names = self.names
        for value in wanted:
            if value not in names:
                near = "".join(f" Did you mean {n!r}?" for n in get_close_matches(value, names, n=1))
                some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
                raise DataError(
                    f"category: `{key}` names {value!r}, which is not a value of the catalogue's column "
                    f"{self.params.column!r}.{near} Its {len(names)} values: {some}."
                )


def item_values(
    catalogue: Catalogue, name: str, known: list[str] | None = None
) -> tuple[scipy.sparse.csr_matrix, list[str]]:
    """Return the one-hot values of each item in a column, `[I, values]`, and the values: first those in `known`, then the others, sorted.

    Raises:
        DataError: There is no such column, or its values are not categories.
    """
    items, values = catalogue.categories(name)
    before = known or []
    names = before + sorted(set(pc.unique(values).to_pylist()) - set(before))
    codes = pc.index_in(values, pa.array(names, pa.string())).to_numpy()
    matrix = scipy.sparse.csr_matrix((np.ones(len(codes), np.float32), (items, codes)), (len(catalogue), len(names)))
    return matrix, names
