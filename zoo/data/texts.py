"""Tokenised texts in compressed rows, and padded batches for text encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class TextBatch:
    """A batch of texts as padded token numbers.

    Attributes:
        tokens: Token numbers, `[N, T]` int64, right-padded with 0.
        lengths: The number of tokens of each text, `[N]` int64; 0 for an empty text.
    """

    tokens: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """Return which positions hold a token, `[N, T]` bool."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths[:, None]

    def to(self, device: torch.device | str, **options: Any) -> TextBatch:
        """Return the batch on a device."""
        return TextBatch(*(getattr(self, f.name).to(device, **options) for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Texts:
    """One tokenised text per item.

    Attributes:
        offsets: The start of each item's tokens, `[I + 1]` int64.
        tokens: Token numbers from 1, `[M]` int64.
    """

    offsets: NDArray[np.int64]
    tokens: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of each item, `[I]`."""
        return np.diff(self.offsets)

    def batch(self, items: NDArray[np.int64]) -> TextBatch:
        """Return the texts of the given items, `[N]`, padded to the longest."""
        lengths = self.lengths[items]
        width = max(int(lengths.max(initial=0)), 1)
        place = np.arange(width)
        at = self.offsets[items, None] + place
        real = place < lengths[:, None]
        tokens = np.where(real, self.tokens[np.where(real, at, 0)] if len(self.tokens) else 0, 0)
        return TextBatch(torch.from_numpy(tokens), torch.from_numpy(lengths))

    def of(self, items: NDArray[np.int64]) -> Texts:
        """Return the texts of the given items, in their order."""
        lengths = self.lengths[items]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(offsets[-1]) + np.repeat(self.offsets[items] - offsets[:-1], lengths)
        return Texts(offsets, self.tokens[at])

    def blocks(self, size: int) -> Iterator[NDArray[np.int64]]:
        """Yield blocks of at most `size` items with a text, sorted by text length."""
        order = np.argsort(self.lengths, kind="stable")
        order = order[np.count_nonzero(self.lengths == 0) :]
        for start in range(0, len(order), size):
            yield order[start : start + size]
