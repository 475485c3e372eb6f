"""Item features: one vector per item, dense or sparse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.errors import ArtifactError
from zoo.nn.sparse import csr_tensor, scipy_matrix, stacked


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """One feature vector per item.

    Attributes:
        values: `[I, D]` float32, dense or in torch's sparse CSR layout; row 0 (padding) is zero.
        names: The names of the D columns.
    """

    values: Tensor
    names: tuple[str, ...]

    @classmethod
    def of_sparse(cls, matrix: scipy.sparse.csr_matrix, names: tuple[str, ...]) -> ItemFeatures:
        """Return features that share the memory of a scipy matrix, `[I, D]`."""
        return cls(csr_tensor(matrix.astype(np.float32, copy=False)), names)

    @property
    def is_sparse(self) -> bool:
        """Return whether the values are in the CSR layout."""
        return self.values.layout == torch.sparse_csr

    def sparse(self) -> scipy.sparse.csr_matrix:
        """Return the values as a scipy matrix, `[I, D]`."""
        if not self.is_sparse:
            return scipy.sparse.csr_matrix(self.values.numpy())
        return scipy_matrix(self.values)

    def check_width(self, expected: int) -> None:
        """Check that the features are as wide as those that a stage was fitted on.

        Raises:
            ArtifactError: Their width differs.
        """
        if self.values.shape[1] != expected:
            raise ArtifactError(
                f"the featurizer makes {self.values.shape[1]} feature columns for new items, and the model was fitted on "
                f"{expected}: the featurizer has changed since the fit. Fit the model again with the installed version."
            )

    def followed_by(self, new: ItemFeatures) -> ItemFeatures:
        """Return the features of these items followed by those of new items, `[I + N, D]`.

        Raises:
            ArtifactError: The new features have a different width.
        """
        new.check_width(self.values.shape[1])
        return ItemFeatures(stacked(self.values, new.values), self.names)

    def without_padding(self) -> ItemFeatures:
        """Return the features without row 0, `[I - 1, D]`."""
        if self.is_sparse:
            return ItemFeatures.of_sparse(self.sparse()[1:], self.names)
        return ItemFeatures(self.values[1:], self.names)

    def norms(self) -> Tensor:
        """Return the length of each item's vector, `[I]` float32."""
        if not self.is_sparse:
            lengths: Tensor = torch.linalg.vector_norm(self.values, dim=1)
            return lengths
        matrix = self.sparse()
        return torch.from_numpy(np.sqrt(np.asarray(matrix.multiply(matrix).sum(1), np.float32)).ravel())

    def rows(self, items: Tensor) -> Tensor:
        """Return the vectors of the given items, dense, `[..., D]`."""
        if not self.is_sparse:
            return self.values[items]
        return torch.from_numpy(self.sparse()[items.reshape(-1).numpy()].toarray()).reshape(*items.shape, -1)


class GuardedItemFeatures(ItemFeatures):
    """The same features for a stage that may only read them: rows are copies, and `values` is a copy made at first access."""

    _source: ItemFeatures

    def __init__(self, values: Tensor, names: tuple[str, ...]) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_source", ItemFeatures(values, names))

    @classmethod
    def of(cls, features: ItemFeatures) -> GuardedItemFeatures:
        """Return features that share the memory of others until their values are read."""
        source = features._source if isinstance(features, GuardedItemFeatures) else features
        return cls(source.values, source.names)

    @cached_property
    def values(self) -> Tensor:
        """Return a copy of the values, `[I, D]`."""
        return self._source.values.clone()

    @property
    def is_sparse(self) -> bool:
        """Return whether the values are in the CSR layout."""
        return self._source.is_sparse

    def rows(self, items: Tensor) -> Tensor:
        """Return the vectors of the given items, dense, `[..., D]`."""
        return self._source.rows(items.reshape(-1)).reshape(*items.shape, -1)


def concatenate_features(features: list[ItemFeatures]) -> ItemFeatures | None:
    """Concatenate the columns of several features, None for none; the result is sparse if any of them is."""
    if len(features) <= 1:
        return features[0] if features else None
    names = tuple(name for f in features for name in f.names)
    if any(f.is_sparse for f in features):
        return ItemFeatures.of_sparse(scipy.sparse.hstack([f.sparse() for f in features], format="csr"), names)
    return ItemFeatures(torch.cat([f.values for f in features], dim=1), names)
