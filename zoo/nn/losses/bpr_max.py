"""BPR-max (Hidasi and Karatzoglou, CIKM 2018): the target before the negatives that score highest."""

import torch
from torch import Tensor

from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives


def bpr_max(
    hidden: Tensor, table: ItemTable, targets: Tensor, negatives: Negatives, regularisation: float = 1.0
) -> Tensor:
    """Return the mean of -log sum_j s_j sigmoid(r - r_j) + regularisation * sum_j s_j r_j^2, s the softmax of the r_j.

    The loss of a position is 0 if all negatives are its target.

    Args:
        hidden: `[N, D]`.
        table: The item vectors.
        targets: `[N]`.
        negatives: Shared by all positions, `[K]`.
        regularisation: Keeps the negatives' scores near zero.
    """
    other = negatives.others(targets)
    drawn = hidden @ table.embed_outputs(negatives.items).T
    weights = torch.softmax(drawn.masked_fill(~other, -1e30), 1) * other
    won = (weights * torch.sigmoid(table.logits(hidden, targets)[:, None] - drawn)).sum(1)
    loss = regularisation * (weights * drawn**2).sum(1) - torch.log(won + 1e-24)
    return loss.where(other.any(1), 0.0).mean()
