"""The ranks of a distributed training: processes that do the same, each on its share, and add up what they measure."""

from __future__ import annotations

from typing import Any

import torch
import torchmetrics
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors


def own_share() -> slice:
    """Return which of some rows are this rank's: every n-th; all of them where no process group is initialized."""
    if not torch.distributed.is_initialized():
        return slice(None)
    return slice(torch.distributed.get_rank(), None, torch.distributed.get_world_size())


def gather_state(state: Tensor, group: Any = None) -> list[Tensor]:
    """Return a metric's state on each rank, `torchmetrics`' way; NCCL exchanges tensors of a GPU only."""
    device = "cuda" if torch.distributed.get_backend(group) == "nccl" else state.device
    return [part.to(state.device) for part in gather_all_tensors(state.to(device), group)]


class RankMean(torchmetrics.Metric):
    """A mean over what all ranks have seen: the same number on each of them.

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
        """Return the mean, a scalar; NaN where no rank has seen a value."""
        return self.total / self.count
