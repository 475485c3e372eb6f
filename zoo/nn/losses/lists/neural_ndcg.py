"""NeuralNDCG (Pobrotyn and Białobrzeski, SIGIR eCom 2021): NDCG of gains that a soft permutation has sorted."""

import torch
from torch import Tensor

from zoo.nn.lists import discounts
from zoo.nn.losses.lists.gain import ndcg_gains
from zoo.nn.losses.lists.sinkhorn import sinkhorn

LEAST = 1e-12
"""A smaller chance is none: products with numbers too small to be normal are ten times slower."""


def neural_ndcg(
    scores: Tensor,
    labels: Tensor,
    mask: Tensor,
    *,
    k: int | None = None,
    temperature: float = 1.0,
    iterations: int = 20,
) -> Tensor:
    """Return the mean of 1 - NDCG@k of the gains that NeuralSort's permutation, made doubly stochastic, has sorted.

    It tends to 1 - NDCG as the temperature falls. A list without a positive counts as 1.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        k: The cutoff of NDCG; the whole list by default.
        temperature: How soft the permutation is.
        iterations: How often Sinkhorn's scaling goes over columns and rows.
    """
    gains = ndcg_gains(labels.to(scores.dtype), mask, k)
    permutation = soft_permutation(scores, mask, temperature)
    rows, columns = sinkhorn(permutation, iterations)
    sorted_gains = (rows * (permutation @ (columns * gains)[:, :, None]).squeeze(2))[:, :k]
    weight = discounts(sorted_gains.shape[1], scores)
    return (1 - sorted_gains @ weight).mean()


def soft_permutation(scores: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Return how much of each item stands at each rank, `[B, K ranks, K items]`; 0 for padded items and ranks.

    NeuralSort (Grover et al., ICLR 2019): a list of n items has at rank i the softmax of
    ((n + 1 - 2 i) s_j - sum_l |s_j - s_l|) / temperature. The rows sum to 1.
    """
    scores, filled = scores.masked_fill(~mask, 0.0), mask.to(scores.dtype)
    n = filled.sum(1)[:, None]
    ranks = torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype, device=scores.device)
    apart = ((scores[:, :, None] - scores[:, None, :]).abs() @ filled[:, :, None]).squeeze(2)
    logits = ((n + 1 - 2 * ranks)[:, :, None] * scores[:, None, :] - apart[:, None, :]) / temperature
    lowest = torch.finfo(scores.dtype).min
    chances = logits.masked_fill(~mask[:, None, :], lowest).softmax(2)
    real = mask[:, None, :] & (ranks <= n)[:, :, None]
    return chances.where(real & (chances > LEAST), 0.0)
