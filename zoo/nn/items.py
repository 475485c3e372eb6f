"""The item table: the one owner of item vectors, at the input of an encoder and at the output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear

from zoo.nn.features import FeatureProjection
from zoo.nn.sparse import stacked


class ItemTable(nn.Module):
    """A vector for each item; item 0 is padding and has none.

    An item has a vector of its own, or the projection of its features, or the sum of both. Then an item outside training,
    which has no vector of its own, is scored by its features; one that has neither is never scored.

    The vectors are multiplied by sqrt(D) at the input (as in the Transformer and in SASRec's paper) and used as they are
    at the output: they start small, so that the first softmax is flat, and yet outweigh the position vectors.
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
        """Make a table.

        Args:
            known: Which items occur in training, `[I]` bool; only these are ever scored against each other in a loss.
            dim: The width D.
            std: Standard deviation of the vectors at the start.
            sparse: Whether the gradient holds only the rows that were looked up, so that a step costs what the batch
                holds and not what the catalogue does.
            features: Item features, `[I, F]`, dense or sparse CSR; None without.
            ids: Whether each item of training has a vector of its own.
        """
        super().__init__()
        self.sparse, self.dim = sparse, dim
        own = torch.randn(len(known), dim) * std * known[:, None] if ids else None
        self.register_parameter("weight", None if own is None else nn.Parameter(own))
        self.projection = None if features is None else FeatureProjection(features, known, dim, std)
        self.register_buffer("known", known)
        self.register_buffer("mask", torch.where(known, 0.0, -torch.inf), persistent=False)
        self.n_known = int(known.sum())
        self._kept: Tensor | None = None

    def train(self, mode: bool = True) -> ItemTable:
        """Begin to train, or to answer; what was kept to answer with is forgotten."""
        self._kept = None
        return super().train(mode)

    def add_items(self, features: Tensor) -> None:
        """Take new items after training, that are known by their features alone, `[N, F]`.

        Raises:
            ValueError: The items have no features, or those are of another width.
        """
        if self.projection is None:
            raise ValueError("the items have no features, and a new item has nothing else")
        if features.shape[1] != self.projection.width:
            raise ValueError(f"expected {self.projection.width} columns of features, found {features.shape[1]}")
        self.projection.take(stacked(self.projection.features, features))
        new = features.shape[0]
        self.known = torch.cat([self.known, self.known.new_zeros(new)])
        self.mask = torch.cat([self.mask, self.mask.new_full((new,), -torch.inf)])
        if self.weight is not None:
            self.weight = nn.Parameter(torch.cat([self.weight.detach(), self.weight.new_zeros(new, self.dim)]))
        self._kept = None

    def embed_inputs(self, items: Tensor) -> Tensor:
        """Return the vectors of items as an encoder reads them, `[..., D]`."""
        return self.embed_outputs(items) * math.sqrt(self.dim)

    def embed_outputs(self, items: Tensor) -> Tensor:
        """Return the vectors of items as the loss scores them, `[..., D]`."""
        if self.projection is None:
            return self._own(items)
        if not self.training or (items.numel() > len(self.known) and not self.sparse):
            return embedding(items, self.vectors(), padding_idx=0)
        some, place = torch.unique(items, return_inverse=True)  # a batch has most of its items many times
        vectors = self.projection.rows(some)
        return embedding(place, vectors if self.weight is None else vectors + self._own(some))

    inputs, outputs = embed_inputs, embed_outputs
    """The names of these methods in plugin API 1."""

    def logits(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Return the scores of one item each, `[N]`, for vectors `[N, D]` and items `[N]`."""
        return (hidden * self.embed_outputs(items)).sum(-1)

    def all_logits(self, hidden: Tensor) -> Tensor:
        """Return the scores of all items, `[N, I]`, for vectors `[N, D]`; -inf for those that nothing is known of."""
        if self.projection is None:
            return linear(hidden, self.vectors(), self.mask)
        described = self.projection.described
        told = described if self.weight is None else described | self.known
        return linear(hidden, self.vectors(), torch.where(told, 0.0, -torch.inf).to(hidden.dtype))

    def vectors(self) -> Tensor:
        """Return the vectors of all items, `[I, D]`."""
        if self.projection is None:
            return self.own
        if self._kept is not None and not torch.is_grad_enabled():
            return self._kept
        vectors: Tensor = self.projection()
        vectors = vectors if self.weight is None else vectors + self.weight
        if not self.training and not vectors.requires_grad:
            self._kept = vectors
        return vectors

    @property
    def own(self) -> nn.Parameter:
        """Return the vectors that belong to the items alone, `[I, D]`.

        Raises:
            ValueError: They have none.
        """
        if self.weight is None:
            raise ValueError("the items have no vectors of their own: expected `ids`, or features")
        return self.weight

    def _own(self, items: Tensor) -> Tensor:
        """Return their own vectors for items, `[..., D]`."""
        return embedding(items, self.own, padding_idx=0, sparse=self.sparse)
