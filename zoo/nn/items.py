"""The item table: the one owner of item vectors, at the input of an encoder and at the output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear


class ItemTable(nn.Module):
    """A vector for each item; item 0 is padding and has none.

    The vectors are multiplied by sqrt(D) at the input (as in the Transformer and in SASRec's paper) and used as they are
    at the output: they start small, so that the first softmax is flat, and yet outweigh the position vectors.
    """

    weight: nn.Parameter
    known: Tensor
    mask: Tensor

    def __init__(self, known: Tensor, dim: int, *, std: float = 0.02, sparse: bool = False) -> None:
        """Make a table.

        Args:
            known: Which items occur in training, `[I]` bool; only these are ever scored against each other.
            dim: The width D.
            std: Standard deviation of the vectors at the start.
            sparse: Whether the gradient holds only the rows that were looked up, so that a step costs what the batch
                holds and not what the catalogue does.
        """
        super().__init__()
        self.sparse = sparse
        self.weight = nn.Parameter(torch.randn(len(known), dim) * std * known[:, None])
        self.register_buffer("known", known)
        self.register_buffer("mask", torch.where(known, 0.0, -torch.inf), persistent=False)
        self.n_known = int(known.sum())

    @property
    def dim(self) -> int:
        """Return the width D."""
        return self.weight.shape[1]

    def inputs(self, items: Tensor) -> Tensor:
        """Return the vectors of items as an encoder reads them, `[..., D]`."""
        return self.outputs(items) * math.sqrt(self.dim)

    def outputs(self, items: Tensor) -> Tensor:
        """Return the vectors of items as the loss scores them, `[..., D]`."""
        return embedding(items, self.weight, padding_idx=0, sparse=self.sparse)

    def logits(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Return the scores of one item each, `[N]`, for vectors `[N, D]` and items `[N]`."""
        return (hidden * self.outputs(items)).sum(-1)

    def all_logits(self, hidden: Tensor) -> Tensor:
        """Return the scores of all items, `[N, I]`, for vectors `[N, D]`; -inf for those outside training."""
        return linear(hidden, self.weight, self.mask)
