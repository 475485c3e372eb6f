"""Normalised gains, shared by the losses based on NDCG."""

from torch import Tensor

from zoo.nn.lists import gains, ideal_dcg


def ndcg_gains(labels: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
    """Return each gain divided by the ideal DCG@k of its list, `[B, K]`; their discounted sum is NDCG@k.

    Padded slots and lists without a positive get 0.

    Args:
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        k: The cutoff; the whole list by default.
    """
    gain = gains(labels).masked_fill(~mask, 0.0)
    best = ideal_dcg(gain, mask, k or gain.shape[1])
    return gain / best.where(best > 0, 1.0)[:, None]
