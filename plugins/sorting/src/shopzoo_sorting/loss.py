"""What a relaxed order is worth: NDCG of softly sorted gains, and how surely each place holds what belongs there."""

from __future__ import annotations

import torch
from torch import Tensor

from shopzoo_sorting.network import SoftSort
from zoo.nn import discounts, gains, ideal_dcg

LEAST = 1e-6
"""A probability below this is taken for this: the logarithm of 0 has no gradient."""


def ndcg_loss(scores: Tensor, labels: Tensor, mask: Tensor, sort: SoftSort, k: int | None = None) -> Tensor:
    """Return 1 - relaxed NDCG, the mean over the lists with a positive: scores, labels and mask are `[B, K]`.

    The gains `2^label - 1` travel through the sorting network with the scores. What arrives at a place is the gain that is
    expected there, since the swaps of a layer are doubly stochastic; the places' gains are discounted as in NDCG, and
    divided by the best that the list can reach. As the steepness grows this becomes NDCG, at the first `k` places or at all.
    """
    gain = gains(labels).masked_fill(~mask, 0.0)
    expected = sort(scores, gain[..., None], mask).payloads[:, :k, 0]
    reached = expected @ discounts(expected.shape[1], expected)
    ideal = ideal_dcg(gain, mask, expected.shape[1])
    some = ideal > 0
    return 1 - (reached / ideal.where(some, 1.0)).where(some, 0.0).sum() / some.sum().clamp(min=1)


def permutation_loss(scores: Tensor, labels: Tensor, mask: Tensor, sort: SoftSort, k: int | None = None) -> Tensor:
    """Return the mean over places of -log(the mass that a place holds of what belongs there): all are `[B, K]`.

    With labels that are all different this is the cross-entropy of the relaxed permutation matrix (Petersen et al., ICML
    2021), and the G grades that travel are the columns of that matrix: O(G K log^2 K) time and memory, G <= K. Items with
    one label may stand for each other: a place is content with any item of the grade that belongs there. The first `k`
    places count, or all; a list is a mean over its own places, the result one over lists.
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
