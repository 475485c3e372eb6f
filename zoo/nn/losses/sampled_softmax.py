"""Cross-entropy over the target and shared negatives (Jean et al., ACL 2015; logQ: Bengio and Senecal, 2008)."""

import torch
from torch import Tensor

from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives


def sampled_softmax(
    hidden: Tensor,
    table: ItemTable,
    targets: Tensor,
    negatives: Negatives,
    temperature: float = 1.0,
    *,
    logq: bool = True,
) -> Tensor:
    """Return the mean of -log p(target) with a softmax over the target and the negatives that differ from it.

    Args:
        hidden: `[N, D]`.
        table: The item vectors.
        targets: `[N]`.
        negatives: Shared by all positions, `[K]`.
        temperature: Divides the scores.
        logq: Whether to subtract the log of a negative's expected count from its score. The sum over the sample then
            estimates the sum over the catalogue without bias against popular items, which are drawn more often. The
            target is always present and needs no correction.
    """
    hidden = hidden / temperature
    positive = table.logits(hidden, targets)
    drawn = hidden @ table.embed_outputs(negatives.items).T
    if logq:
        drawn = drawn - negatives.log_q
    drawn = drawn.masked_fill(
        ~negatives.others(targets), -1e30
    )  # finite, so that a row without negatives has a gradient
    return (torch.logaddexp(positive, drawn.logsumexp(1)) - positive).mean()
