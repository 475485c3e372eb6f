"""A linear projection of item features to the width of the item vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from zoo.nn.sparse import of_parts, parts_of


class FeatureProjection(nn.Module):
    """Projects item features `[I, F]`, dense or in torch's sparse CSR layout, to item vectors `[I, D]`.

    All features are scaled by one factor, so that the mean norm of the rows of training items is 1, whatever the
    featurizer's scale. The projected vectors then start at the scale of item vectors with the same `std`. Sparse features
    stay sparse.
    """

    weight: nn.Parameter
    values: Tensor
    columns: Tensor | None
    offsets: Tensor | None
    described: Tensor
    """Which items have nonzero features, `[I]` bool."""
    scale: Tensor

    def __init__(self, features: Tensor, known: Tensor, dim: int, std: float) -> None:
        """Build the projection.

        Args:
            features: The item features, `[I, F]`; row 0 (padding) is zero.
            known: Which items occur in training, `[I]` bool.
            dim: The width D.
            std: Standard deviation of the initial weights.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features.shape[1], dim) * std)
        self.take(features)
        lengths = self._lengths()[known.to(self.values.device)]
        scale = lengths[lengths > 0].mean() if lengths.any() else torch.ones(())
        self.register_buffer("scale", scale.reciprocal())

    def take(self, features: Tensor) -> None:
        """Replace the features, possibly for another number of items; the weights stay.

        Raises:
            ValueError: The features have a different width.
        """
        if features.shape[1] != len(self.weight):
            raise ValueError(f"expected {len(self.weight)} columns of features, found {features.shape[1]}")
        self.width, parts = features.shape[1], parts_of(features)
        for name in ("values", "columns", "offsets"):
            kind = self.weight.dtype if name == "values" else torch.int64
            self.register_buffer(
                name, parts[name].to(self.weight.device, kind) if name in parts else None, persistent=False
            )
        self.register_buffer("described", self._lengths() > 0, persistent=False)

    @property
    def features(self) -> Tensor:
        """Return the features, `[I, F]`."""
        parts = {"values": self.values, "columns": self.columns, "offsets": self.offsets}
        return of_parts({name: part for name, part in parts.items() if part is not None}, self.width)

    def forward(self) -> Tensor:
        """Return the vectors of all items, `[I, D]`, in full precision."""
        with torch.autocast(self.weight.device.type, enabled=False):
            if self.columns is None:
                return self.values @ self.weight * self.scale
            return _summed(self.weight, self.columns, self.offsets, self.values) * self.scale

    def rows(self, items: Tensor) -> Tensor:
        """Return the vectors, `[N, D]`, of the items `[N]` only."""
        if self.columns is None or self.offsets is None:
            with torch.autocast(self.weight.device.type, enabled=False):
                return self.values[items] @ self.weight * self.scale
        starts, counts = self.offsets[items], self.offsets[items + 1] - self.offsets[items]
        ends = counts.cumsum(0)
        inside = torch.arange(int(ends[-1]) if len(ends) else 0, device=items.device)
        at = inside + (starts - ends + counts).repeat_interleave(counts)
        offsets = torch.cat([ends.new_zeros(1), ends])
        return _summed(self.weight, self.columns[at], offsets, self.values[at]) * self.scale

    def _lengths(self) -> Tensor:
        """Return the Euclidean norm of each row, `[I]`."""
        if self.columns is None or self.offsets is None:
            return (self.values**2).sum(1).sqrt()
        rows = torch.arange(len(self.offsets) - 1, device=self.values.device).repeat_interleave(self.offsets.diff())
        squares = self.values.new_zeros(len(self.offsets) - 1).index_add_(0, rows, self.values**2)
        return squares.sqrt()


def _summed(weight: Tensor, columns: Tensor, offsets: Tensor | None, values: Tensor) -> Tensor:
    """Return the product of a sparse matrix and `weight`."""
    summed: Tensor = embedding_bag(
        columns, weight, offsets, mode="sum", per_sample_weights=values, include_last_offset=True
    )
    return summed
