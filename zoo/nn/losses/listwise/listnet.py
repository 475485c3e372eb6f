"""ListNet (Cao et al., ICML 2007): cross-entropy between the top-one probabilities of labels and scores."""

import torch
from torch import Tensor


def listnet(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of -sum_i p_i log q_i, p the softmax of the labels and q the softmax of the scores.

    These are the paper's top-one probabilities. Labels are used as logits, so an item with label 0 has a positive
    probability, and the minimum of the loss is the entropy of p.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
    """
    lowest = torch.finfo(scores.dtype).min  # not -inf, so that the loss of an empty list is finite
    target = labels.to(scores.dtype).masked_fill(~mask, lowest).softmax(1).masked_fill(~mask, 0.0)
    return -(target * scores.masked_fill(~mask, lowest).log_softmax(1)).sum(1).mean()
