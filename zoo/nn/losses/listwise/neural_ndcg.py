"""NeuralNDCG (Pobrotyn and Białobrzeski, SIGIR eCom 2021): NDCG of gains sorted by a soft permutation."""

import torch
from torch import Tensor

from zoo.nn.lists import discounts
from zoo.nn.losses.listwise.gain import ndcg_gains
from zoo.nn.losses.listwise.sinkhorn import sinkhorn

LEAST = 1e-12
"""Smaller probabilities are set to 0: arithmetic with subnormal numbers is ten times slower."""


def neural_ndcg(
    scores: Tensor,
    labels: Tensor,
    mask: Tensor,
    *,
    k: int | None = None,
    temperature: float = 1.0,
    iterations: int = 20,
) -> Tensor:
    """Return the mean of 1 - NDCG@k of the gains, sorted by NeuralSort's permutation scaled to be doubly stochastic.

    It approaches 1 - NDCG as the temperature decreases. A list without a positive has loss 1.

    Args:
        scores: `[B, K]`.
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        k: The cutoff of NDCG; the whole list by default.
        temperature: Softness of the permutation.
        iterations: Iterations of Sinkhorn scaling.
    """
    gains = ndcg_gains(labels.to(scores.dtype), mask, k)
    permutation = soft_permutation(scores, mask, temperature)
    rows, columns = sinkhorn(permutation, iterations)
    sorted_gains = (rows * (permutation @ (columns * gains)[:, :, None]).squeeze(2))[:, :k]
    weight = discounts(sorted_gains.shape[1], scores)
    return (1 - sorted_gains @ weight).mean()


def soft_permutation(scores: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Return the soft permutation matrices, `[B, K ranks, K items]`; 0 for padded items and ranks.

    NeuralSort (Grover et al., ICLR 2019): in a list of n items, row i is the softmax over j of
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
