"""Generalised binary cross-entropy (gSASRec; Petrov and Macdonald, RecSys 2023)."""

from torch import Tensor
from torch.nn.functional import logsigmoid

from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives


def gbce(hidden: Tensor, table: ItemTable, targets: Tensor, negatives: Negatives, calibration: float = 0.75) -> Tensor:
    """Return the binary cross-entropy with the positive's probability raised to a power of at most 1.

    With k negatives from a catalogue of n items, plain BCE is overconfident because k < n - 1. The power
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha), alpha = k / (n - 1), corrects this partly, for t = 1 fully.

    Args:
        hidden: `[N, D]`.
        table: The item vectors.
        targets: `[N]`.
        negatives: Shared by all positions, `[K]`.
        calibration: t, between 0 (plain BCE) and 1.
    """
    alpha = min(len(negatives.items) / max(table.n_known - 1, 1), 1.0)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    missed = logsigmoid(-hidden @ table.embed_outputs(negatives.items).T) * negatives.others(targets)
    return -(beta * logsigmoid(table.logits(hidden, targets)) + missed.sum(1)).mean()
