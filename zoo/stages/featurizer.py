"""The featurizer stage: the catalogue's columns become numbers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.nn.sparse import csr_tensor
from zoo.stages.stage import P, RunContext, Stage, TrainingData


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """A vector an item.

    Attributes:
        values: `[I, D]` float32, dense or in torch's sparse CSR layout; row 0 (padding) is zero.
        names: What each of the D columns is.
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
        parts = (self.values.values().numpy(), self.values.col_indices().numpy(), self.values.crow_indices().numpy())
        return scipy.sparse.csr_matrix(parts, shape=tuple(self.values.shape))

    def rows(self, items: Tensor) -> Tensor:
        """Return the vectors of the given items, dense, `[..., D]`."""
        if not self.is_sparse:
            return self.values[items]
        return torch.from_numpy(self.sparse()[items.reshape(-1).numpy()].toarray()).reshape(*items.shape, -1)


class Featurizer(Stage[P]):
    """Represents items: learns from the training data, then serves any item, also one it never saw."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the items that occur in training (`data.known`) and what was done with them."""

    @abstractmethod
    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the features `[I, D]` of a catalogue's items. A row depends on that item alone."""

    def fit_transform(self, data: TrainingData, context: RunContext) -> ItemFeatures:
        """Fit, and return the features of the data's catalogue; to be overridden where both at once cost less than each."""
        self.fit(data, context)
        return self.transform(data.catalogue)


def item_features(featurizers: list[Featurizer[Any]], data: TrainingData, context: RunContext) -> ItemFeatures | None:
    """Fit featurizers and return what they make of the catalogue, side by side; None where there is none."""
    return joined([featurizer.fit_transform(data, context) for featurizer in featurizers])


def joined(features: list[ItemFeatures]) -> ItemFeatures | None:
    """Return the features of several featurizers side by side; sparse where any is sparse."""
    if len(features) <= 1:
        return features[0] if features else None
    names = tuple(name for f in features for name in f.names)
    if any(f.is_sparse for f in features):
        return ItemFeatures.of_sparse(scipy.sparse.hstack([f.sparse() for f in features], format="csr"), names)
    return ItemFeatures(torch.cat([f.values for f in features], dim=1), names)
