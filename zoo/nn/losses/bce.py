"""Binary cross-entropy with negatives, as SASRec was first published (Kang and McAuley, ICDM 2018)."""

from torch import Tensor
from torch.nn.functional import logsigmoid

from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives


def bce(hidden: Tensor, table: ItemTable, targets: Tensor, negatives: Negatives) -> Tensor:
    """Return the mean of -log sigmoid(positive) minus the mean over the negatives of log(1 - sigmoid(negative)).

    The paper draws one negative for each position; here they are shared by the batch and weigh as one together.
    """
    drawn = hidden @ table.embed_outputs(negatives.items).T
    other = negatives.others(targets)
    missed = (logsigmoid(-drawn) * other).sum(1) / other.sum(1).clamp(min=1)
    return -(logsigmoid(table.logits(hidden, targets)) + missed).mean()
