"""ListNet (Cao et al., ICML 2007): the chance of each item to be first, by the labels and by the scores."""

import torch
from torch import Tensor


def listnet(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of -sum_i p_i log q_i, p the softmax of the labels and q that of the scores.

    These are the paper's top-one probabilities. The labels themselves are the exponents, so an item of label 0 is to be
    first with a chance too, and the least loss is the entropy of p.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
    """
    lowest = torch.finfo(scores.dtype).min  # not -inf, so that a list of nothing but padding has a value
    target = labels.to(scores.dtype).masked_fill(~mask, lowest).softmax(1).masked_fill(~mask, 0.0)
    return -(target * scores.masked_fill(~mask, lowest).log_softmax(1)).sum(1).mean()
