"""The item table: item vectors shared by the input and the output of an encoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear

from zoo.nn.features import FeatureProjection
from zoo.nn.sparse import stacked


class ItemTable(nn.Module):
    """A vector for each item; the vector of item 0, the padding, is zero.

    An item vector is a learned embedding, a projection of the item's features, or the sum of both. An item outside
    training has no embedding and is scored by its features; an item with neither is scored -inf.

    The vectors are multiplied by sqrt(D) at the input (as in the Transformer and in SASRec's paper) and unscaled at the
    output. They start small, so that the initial softmax is flat, but are larger than the position vectors at the input.
    """

    weight: nn.Parameter | None
    known: Tensor
    mask: Tensor

    def __init__(
        self,
        known: Tensor,
        dim: int,
        *,
        std: float = 0.02,
        sparse: bool = False,
        features: Tensor | None = None,
        ids: bool = True,
    ) -> None:
        """Build the table.

        Args:
            known: Which items occur in training, `[I]` bool; losses compare only these items.
            dim: The width D.
            std: Standard deviation of the initial vectors.
            sparse: Whether gradients are sparse, so that the cost of a step depends on the batch and not on the catalogue.
            features: Item features, `[I, F]`, dense or sparse CSR, or None.
            ids: Whether each item of training has an embedding.
        """
        super().__init__()
        self.sparse, self.dim = sparse, dim
        own = torch.randn(len(known), dim) * std * known[:, None] if ids else None
        self.register_parameter("weight", None if own is None else nn.Parameter(own))
        self.projection = None if features is None else FeatureProjection(features, known, dim, std)
        self.register_buffer("known", known)
        self.register_buffer("mask", torch.where(known, 0.0, -torch.inf), persistent=False)
        self.n_known = int(known.sum())
        self._cached: Tensor | None = None

    def train(self, mode: bool = True) -> ItemTable:
        """Set the training mode and clear the cached vectors."""
        self._cached = None
        return super().train(mode)

    def add_items(self, features: Tensor) -> None:
        """Add new items after training, given their features `[N, F]`.

        Raises:
            ValueError: The table uses no features, or the features have a different width.
        """
        if self.projection is None:
            raise ValueError("the table has no item features, which new items need: build it with `features`")
        if features.shape[1] != self.projection.width:
            raise ValueError(f"expected {self.projection.width} columns of features, found {features.shape[1]}")
        self.projection.take(stacked(self.projection.features, features))
        new = features.shape[0]
        self.known = torch.cat([self.known, self.known.new_zeros(new)])
        self.mask = torch.cat([self.mask, self.mask.new_full((new,), -torch.inf)])
        if self.weight is not None:
            self.weight = nn.Parameter(torch.cat([self.weight.detach(), self.weight.new_zeros(new, self.dim)]))
        self._cached = None

    def embed_inputs(self, items: Tensor) -> Tensor:
        """Return the item vectors for the input of an encoder, `[..., D]`."""
        return self.embed_outputs(items) * math.sqrt(self.dim)

    def embed_outputs(self, items: Tensor) -> Tensor:
        """Return the item vectors for the output of an encoder, `[..., D]`."""
        if self.projection is None:
            return self._own(items)
        if not self.training or (items.numel() > len(self.known) and not self.sparse):
            return embedding(items, self.vectors(), padding_idx=0)
        some, place = torch.unique(items, return_inverse=True)  # most items occur several times in a batch
        vectors = self.projection.rows(some)
        return embedding(place, vectors if self.weight is None else vectors + self._own(some))

    inputs, outputs = embed_inputs, embed_outputs
    """The names of these methods in plugin API 1."""

    def logits(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Return the score of one item per vector, `[N]`, for vectors `[N, D]` and items `[N]`."""
        return (hidden * self.embed_outputs(items)).sum(-1)

    def all_logits(self, hidden: Tensor) -> Tensor:
        """Return the scores of all items, `[N, I]`, for vectors `[N, D]`; -inf for items without embedding and features."""
        if self.projection is None:
            return linear(hidden, self.vectors(), self.mask)
        described = self.projection.described
        scorable = described if self.weight is None else described | self.known
        return linear(hidden, self.vectors(), torch.where(scorable, 0.0, -torch.inf).to(hidden.dtype))

    def vectors(self) -> Tensor:
        """Return the vectors of all items, `[I, D]`."""
        if self.projection is None:
            return self.own
        if self._cached is not None and not torch.is_grad_enabled():
            return self._cached
        vectors: Tensor = self.projection()
        vectors = vectors if self.weight is None else vectors + self.weight
        if not self.training and not vectors.requires_grad:
            self._cached = vectors
        return vectors

    @property
    def own(self) -> nn.Parameter:
        """Return the item embeddings, `[I, D]`, without projected features.

        Raises:
            ValueError: The table has none.
        """
        if self.weight is None:
            raise ValueError("the table has no item embeddings: build it with `ids`, or with features")
        return self.weight

    def _own(self, items: Tensor) -> Tensor:
        """Return the embeddings of items, `[..., D]`."""
        return embedding(items, self.own, padding_idx=0, sparse=self.sparse)
