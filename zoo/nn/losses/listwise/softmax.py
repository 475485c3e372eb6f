"""Softmax cross-entropy between gains and scores (Bruch et al., ICTIR 2019; for binary labels a bound on NDCG)."""

import torch
from torch import Tensor

from zoo.nn.lists import gains


def list_softmax(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of -sum_i p_i log q_i, p each item's share of the list's gains and q the softmax of the scores.

    Unlike in ListNet, the share of an item with label 0 is 0. A list without a positive has loss 0.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
    """
    gain = gains(labels.to(scores.dtype)).masked_fill(~mask, 0.0)
    total = gain.sum(1, keepdim=True)
    shares = gain / total.where(total > 0, 1.0)
    lowest = torch.finfo(scores.dtype).min  # not -inf, so that the loss of an empty list is finite
    return -(shares * scores.masked_fill(~mask, lowest).log_softmax(1)).sum(1).mean()
