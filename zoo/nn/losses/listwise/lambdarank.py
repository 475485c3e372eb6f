"""LambdaRank (Burges, 2010) as an explicit loss (LambdaLoss; Wang et al., CIKM 2018)."""

import torch
from torch import Tensor
from torch.nn.functional import pad, softplus

from zoo.nn.lists import discounts
from zoo.nn.losses.listwise.gain import ndcg_gains


def lambdarank(scores: Tensor, labels: Tensor, mask: Tensor, k: int | None = None, sigma: float = 1.0) -> Tensor:
    """Return the mean over lists of sum_ij |change of NDCG@k if i and j swap places| log(1 + exp(-sigma (s_i - s_j))).

    The sum is over the pairs in which i has the higher label. The change is computed for the current order and has no
    gradient, so the loss has LambdaRank's gradient. Swapping two items past the cutoff changes nothing, so only
    `[B, k, K]` pairs are computed. Equal scores keep their order.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        k: The cutoff of NDCG; the whole list by default.
        sigma: Steepness of the logistic loss.
    """
    gains = ndcg_gains(labels.to(scores.dtype), mask, k)
    lowest = torch.finfo(scores.dtype).min
    order = scores.detach().masked_fill(~mask, lowest).argsort(dim=1, descending=True, stable=True)
    scores, gains, filled = (x.gather(1, order) for x in (scores.masked_fill(~mask, 0.0), gains, mask))
    length = scores.shape[1]
    top = min(k or length, length)
    weight = pad(discounts(top, scores), (0, length - top))
    # each pair once: i in the top, j below it
    lead = gains[:, :top, None] - gains[:, None, :]
    change = (lead * (weight[:top, None] - weight)).abs()
    change = change.triu(1).masked_fill(~filled[:, None, :], 0.0)
    margin = (scores[:, :top, None] - scores[:, None, :]) * lead.sign()
    return (change * softplus(-sigma * margin)).sum((1, 2)).mean()
