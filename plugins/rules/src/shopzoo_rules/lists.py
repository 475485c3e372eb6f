"""Allow and deny lists of item ids."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from shopzoo_rules.params import ListParams
from zoo.api import Catalogue, DataError, Filter, Fitted, Queries, RunContext, TrainingData


class AllowList(Filter[ListParams]):
    """Keeps only the items of the list."""

    fitted = Fitted(kept="bool [I]")
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Look up the ids."""
        self.kept = listed(data.catalogue, self.params, "allow-list")

    def keep(self, queries: Queries) -> Tensor:
        """Return the items of the list, `[1, I]`."""
        return self.kept[None]

    def add_items(self, catalogue: Catalogue) -> None:
        """Look up the new ids."""
        self.kept = torch.cat([self.kept, among(catalogue, self.params)[1:]])

    def update_items(self, catalogue: Catalogue) -> None:
        """Change nothing: the ids of the list do not depend on columns."""


class DenyList(Filter[ListParams]):
    """Removes the items of the list."""

    fitted = Fitted(kept="bool [I]")
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Look up the ids."""
        self.kept = ~listed(data.catalogue, self.params, "deny-list")

    def keep(self, queries: Queries) -> Tensor:
        """Return the items outside the list, `[1, I]`."""
        return self.kept[None]

    def add_items(self, catalogue: Catalogue) -> None:
        """Look up the new ids."""
        self.kept = torch.cat([self.kept, ~among(catalogue, self.params)[1:]])

    def update_items(self, catalogue: Catalogue) -> None:
        """Change nothing: the ids of the list do not depend on columns."""


def listed(catalogue: Catalogue, params: ListParams, name: str) -> Tensor:
    """Return a mask of the items of a list, `[I]` bool.

    Raises:
        DataError: An id is not in the catalogue.
    """
    ids, wanted = catalogue.ids.cast(pa.string()), pa.array(params.ids, pa.string())
    unknown = wanted.filter(pc.invert(pc.is_in(wanted, ids))).to_pylist()
    if unknown and params.missing == "error":
        some = ", ".join(map(repr, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        raise DataError(
            f"{name}: {len(unknown)} of {len(wanted)} ids are not in the catalogue: {some}. Ids are compared as text. "
            f'Correct them, or set missing = "ignore".'
        )
    return among(catalogue, params)


def among(catalogue: Catalogue, params: ListParams) -> Tensor:
    """Return a mask of the items of a list, `[I]` bool; ids outside the catalogue are ignored."""
    ids, wanted = catalogue.ids.cast(pa.string()), pa.array(params.ids, pa.string())
    return torch.from_numpy(np.array(pc.is_in(ids, wanted).to_numpy(zero_copy_only=False), np.bool_))
