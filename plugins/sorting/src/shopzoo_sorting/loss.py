"""Losses of a soft order: NDCG of softly sorted gains, and the cross-entropy of the relaxed permutation."""

from __future__ import annotations

import torch
from torch import Tensor

from shopzoo_sorting.network import SoftSort
from zoo.nn import discounts, gains, ideal_dcg

LEAST = 1e-6
"""Lower bound of a probability, since the logarithm of 0 has no gradient."""


def ndcg_loss(scores: Tensor, labels: Tensor, mask: Tensor, sort: SoftSort, k: int | None = None) -> Tensor:
    """Return 1 - relaxed NDCG, averaged over the lists with a positive label; scores, labels and mask are `[B, K]`.

    The gains `2^label - 1` are sorted together with the scores. Since the swaps of a layer are doubly stochastic, each place
    gets its expected gain; the gains are discounted as in NDCG and divided by the ideal DCG. As the steepness grows, this
    converges to NDCG at the first `k` places, or at all places.
    """
    gain = gains(labels).masked_fill(~mask, 0.0)
    expected = sort(scores, gain[..., None], mask).payloads[:, :k, 0]
    reached = expected @ discounts(expected.shape[1], expected)
    ideal = ideal_dcg(gain, mask, expected.shape[1])
    some = ideal > 0
    return 1 - (reached / ideal.where(some, 1.0)).where(some, 0.0).sum() / some.sum().clamp(min=1)


def permutation_loss(scores: Tensor, labels: Tensor, mask: Tensor, sort: SoftSort, k: int | None = None) -> Tensor:
    """Return the mean over places of -log(the probability mass of the right grade); all inputs are `[B, K]`.

    If all labels differ, this is the cross-entropy of the relaxed permutation matrix (Petersen et al., ICML 2021), and the G
    sorted grades are the columns of that matrix: O(G K log^2 K) time and memory, G <= K. Items with equal labels are
    interchangeable: a place accepts any item of the right grade. Only the first `k` places count, or all; the loss is averaged
    over the places of a list, then over lists.
    """
    held = labels.masked_fill(~mask, -torch.inf)
    grades = torch.unique(held[mask])
    travelling = (held[..., None] == grades).to(scores.dtype)
    places = sort(scores, travelling, mask).payloads
    best = held.sort(dim=1, descending=True).values
    belongs = torch.searchsorted(grades, best.clamp(min=grades[0]))
    mass = places.gather(2, belongs[..., None]).squeeze(2).clamp(min=LEAST)
    counts = (torch.arange(mask.shape[1], device=mask.device) < mask.sum(1, keepdim=True))[:, :k]
    per_list = -(mass.log()[:, :k] * counts).sum(1) / counts.sum(1).clamp(min=1)
    return per_list.mean()
