"""ApproxNDCG (Qin et al., Information Retrieval 2010): NDCG with differentiable ranks."""

import torch
from torch import Tensor

from zoo.nn.losses.listwise.gain import ndcg_gains


def approx_ndcg(scores: Tensor, labels: Tensor, mask: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean of 1 - NDCG, where an item's rank is 1 + sum_j sigmoid((s_j - s_i) / temperature).

    It approaches 1 - NDCG as the temperature decreases, and the gradient vanishes. A list without a positive has loss 1.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        temperature: Scale of score differences in the sigmoid; 1 / alpha in the paper.
    """
    gains = ndcg_gains(labels.to(scores.dtype), mask)
    scores = scores.masked_fill(~mask, 0.0) / temperature
    above = torch.sigmoid(scores[:, None, :] - scores[:, :, None]).masked_fill(~mask[:, None, :], 0.0)
    ranks = 0.5 + above.sum(2)  # the sum includes the item itself with 0.5
    return (1 - (gains / torch.log2(1 + ranks)).sum(1)).mean()
