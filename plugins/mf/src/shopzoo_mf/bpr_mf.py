"""BPR-MF: users and items as vectors, trained so that what a user took scores above what the user did not take."""

from __future__ import annotations

from torch import Tensor, nn

from shopzoo_mf.params import BPRMFParams
from zoo.api import ItemTable, NeuralPredictor, Objective, QueryBatch, Sizes, UserItem
from zoo.nn import dropout


class BPRMF(NeuralPredictor[BPRMFParams]):
    """Matrix factorisation by Bayesian personalised ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme, UAI 2009).

    What differs: pairs come in batches that share their negatives, the optimiser is `[train]`'s AdamW, whose decay takes
    the place of the paper's regularisation, items have no bias, and any other loss of the zoo may be chosen. It reads
    no order of events; a user outside training has no vector and gets the most popular items. An epoch goes through every
    event once; `batch_size` counts events.
    """

    @property
    def objective(self) -> Objective:
        """Return pairs of users and items."""
        return UserItem()

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the users' vectors."""
        return Users(self.params, sizes)


class Users(nn.Module):
    """A vector for each user of training."""

    def __init__(self, p: BPRMFParams, sizes: Sizes) -> None:
        super().__init__()
        self.drop = p.dropout
        self.vectors = nn.Embedding(sizes.n_users + 1, p.dim, padding_idx=0, sparse=p.sparse_updates)
        nn.init.normal_(self.vectors.weight[1:], std=p.dim**-0.5)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the users' vectors at each position, `[B, L, D]`: there is no order in them."""
        users = dropout(self.vectors(batch.users), self.drop, self.training)
        return users[:, None].expand(-1, batch.items.shape[1], -1)
