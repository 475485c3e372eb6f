"""What several losses have in common with NDCG."""

from torch import Tensor

from zoo.nn.lists import gains, ideal_dcg


def ndcg_gains(labels: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
    """Return each gain as a share of what its list reaches at best, `[B, K]`: discounted and added up they are NDCG@k.

    Padded slots have none, nor has a list without a positive.

    Args:
        labels: Graded, 0 and up, `[B, K]`.
        mask: Which slots hold an item, `[B, K]`.
        k: The cutoff; the whole list by default.
    """
    gain = gains(labels).masked_fill(~mask, 0.0)
    best = ideal_dcg(gain, mask, k or gain.shape[1])
    return gain / best.where(best > 0, 1.0)[:, None]
