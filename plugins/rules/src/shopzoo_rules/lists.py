"""Lists of item ids: only these, or never these."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from shopzoo_rules.params import ListParams
from zoo.api import Catalogue, DataError, Filter, Queries, RunContext, TrainingData


class AllowList(Filter[ListParams]):
    """Keeps only the items that the list names."""

    fitted = ("kept",)
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Look the ids up."""
        self.kept = listed(data.catalogue, self.params, "allow-list")

    def keep(self, queries: Queries) -> Tensor:
        """Return the items of the list, `[1, I]`."""
        return self.kept[None]

    def add_items(self, catalogue: Catalogue) -> None:
        """Look the new ids up."""
        self.kept = torch.cat([self.kept, among(catalogue, self.params)[1:]])


class DenyList(Filter[ListParams]):
    """Removes the items that the list names."""

    fitted = ("kept",)
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Look the ids up."""
        self.kept = ~listed(data.catalogue, self.params, "deny-list")

    def keep(self, queries: Queries) -> Tensor:
        """Return the items outside the list, `[1, I]`."""
        return self.kept[None]

    def add_items(self, catalogue: Catalogue) -> None:
        """Look the new ids up."""
        self.kept = torch.cat([self.kept, ~among(catalogue, self.params)[1:]])


def listed(catalogue: Catalogue, params: ListParams, name: str) -> Tensor:
    """Return which items a list names, `[I]` bool.

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
    """Return which items a list names, `[I]` bool, whatever else it names."""
    ids, wanted = catalogue.ids.cast(pa.string()), pa.array(params.ids, pa.string())
    return torch.from_numpy(np.array(pc.is_in(ids, wanted).to_numpy(zero_copy_only=False), np.bool_))
