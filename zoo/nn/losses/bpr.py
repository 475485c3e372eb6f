"""Bayesian personalised ranking (Rendle et al., UAI 2009): the target before each negative."""

from torch import Tensor
from torch.nn.functional import logsigmoid

from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives


def bpr(hidden: Tensor, table: ItemTable, targets: Tensor, negatives: Negatives) -> Tensor:
    """Return the mean of -log sigmoid(positive - negative) over positions and negatives."""
    margins = table.logits(hidden, targets)[:, None] - hidden @ table.embed_outputs(negatives.items).T
    other = negatives.others(targets)
    return -(logsigmoid(margins) * other).sum() / other.sum().clamp(min=1)
