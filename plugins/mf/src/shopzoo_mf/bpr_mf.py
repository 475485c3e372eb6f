"""BPR-MF: matrix factorisation, trained to score items that a user took above the others."""

from __future__ import annotations

from torch import Tensor, nn

from shopzoo_mf.params import BPRMFParams
from zoo.api import ItemTable, NeuralPredictor, Objective, QueryBatch, Sizes, UserItem
from zoo.nn import dropout


class BPRMF(NeuralPredictor[BPRMFParams]):
    """Matrix factorisation by Bayesian personalised ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme, UAI 2009).

    What differs: the pairs of a batch share their negatives; the optimiser is the AdamW of `[train]`, whose weight decay
    replaces the regularisation of the paper; items have no bias; `loss` may select any other loss. It ignores the order
    of events; a training user is served from the user vector, also without a history, and a user outside training has no vector
    and gets the fallback, also with a history. An epoch reads every event once; `batch_size` counts events.
    """

    @property
    def objective(self) -> Objective:
        """Return the training objective: pairs of users and items."""
        return UserItem()

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the user embedding."""
        return Users(self.params, sizes)


class Users(nn.Module):
    """An embedding of the training users."""

    def __init__(self, p: BPRMFParams, sizes: Sizes) -> None:
        super().__init__()
        self.drop = p.dropout
        self.vectors = nn.Embedding(sizes.n_users + 1, p.dim, padding_idx=0, sparse=p.sparse_updates)
        nn.init.normal_(self.vectors.weight[1:], std=p.dim**-0.5)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the user vectors, the same at each position, `[B, L, D]`."""
        users = dropout(self.vectors(batch.users), self.drop, self.training)
        return users[:, None].expand(-1, batch.items.shape[1], -1)
