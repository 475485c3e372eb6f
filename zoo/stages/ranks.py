"""Ranks of distributed training: each evaluates its share of the rows, and metrics are summed over all ranks."""

from __future__ import annotations

from typing import Any

import torch
import torchmetrics
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors


def own_share() -> slice:
    """Return the rows of this rank as a slice: every n-th of n ranks, or all rows without a process group."""
    if not torch.distributed.is_initialized():
        return slice(None)
    return slice(torch.distributed.get_rank(), None, torch.distributed.get_world_size())


def gather_state(state: Tensor, group: Any = None) -> list[Tensor]:
    """Gather a metric's state from all ranks, for `torchmetrics`; moved to the GPU for NCCL, which needs that."""
    device = "cuda" if torch.distributed.get_backend(group) == "nccl" else state.device
    return [part.to(state.device) for part in gather_all_tensors(state.to(device), group)]


class RankMean(torchmetrics.Metric):
    """The mean over the values of all ranks, the same on each rank.

    Example:
        mean = RankMean()
        mean.update(values[own_share()].sum(), len(values[own_share()]))
        mean.compute()
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__(dist_sync_fn=gather_state)
        for state in ("total", "count"):
            self.add_state(state, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, total: float, count: int) -> None:
        """Add the sum of `count` values."""
        self.total += total
        self.count += count

    def compute(self) -> Tensor:
        """Return the mean, a scalar; NaN if no rank has a value."""
        return self.total / self.count
