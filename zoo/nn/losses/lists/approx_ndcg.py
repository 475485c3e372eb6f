"""ApproxNDCG (Qin et al., Information Retrieval 2010): NDCG with ranks that have a gradient."""

import torch
from torch import Tensor

from zoo.nn.losses.lists.gain import ndcg_gains


def approx_ndcg(scores: Tensor, labels: Tensor, mask: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean of 1 - NDCG, where an item's rank is 1 + sum_j sigmoid((s_j - s_i) / temperature).

    It tends to 1 - NDCG as the temperature falls, and its gradient then vanishes. A list without a positive counts as 1.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        temperature: How far apart scores must be for their order to count; the paper's 1 / alpha.
    """
    gains = ndcg_gains(labels.to(scores.dtype), mask)
    scores = scores.masked_fill(~mask, 0.0) / temperature
    above = torch.sigmoid(scores[:, None, :] - scores[:, :, None]).masked_fill(~mask[:, None, :], 0.0)
    ranks = 0.5 + above.sum(2)  # the sum has the item itself, with a half
    return (1 - (gains / torch.log2(1 + ranks)).sum(1)).mean()
