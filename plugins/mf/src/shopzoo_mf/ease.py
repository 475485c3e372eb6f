"""EASE: a linear autoencoder of histories with closed-form weights."""

from __future__ import annotations

import torch
from torch import Tensor

from shopzoo_mf._memory import available_bytes
from shopzoo_mf._sparse import item_pairs
from shopzoo_mf.params import EASE_MATRICES, EASEParams
from zoo.api import ConfigError, Contributions, Fitted, Predictor, Queries, ResourceError, RunContext, TrainingData
from zoo.nn import csr_tensor


class EASE(Predictor[EASEParams]):
    """A linear regression of each item on all others, with a zero diagonal.

    With the Gram matrix G = X'X of the binary matrix X of users by items and P = (G + l2 I)^-1, the weight of item i in
    the score of item j is -P_ij / P_jj, and 0 on the diagonal. The cost is one matrix inversion: time grows with the cube
    of the number of items, memory with its square (two float32 matrices: 0.1 GiB for 3,500 items, 13 GiB for 41,000).
    The matrices contain only items that occur in training.

    Source:
        H. Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equation 8. As in the paper, event counts
        and weights are ignored.
    """

    fitted = Fitted(weights="float32 [K, K]", known="int64 [K] < I")
    weights: Tensor
    """`[K, K]` float32: what item i in the history adds to the score of item j."""
    known: Tensor
    """The item numbers of the rows and columns, `[K]` int64."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Invert the Gram matrix.

        Raises:
            ResourceError: There is not enough free memory.
            ConfigError: `l2` is too small for a numerical inverse.
        """
        known = torch.from_numpy(data.known).nonzero().squeeze(1)
        _check_memory(len(known), context.device)
        taken = data.interactions.matrix(binary=True)[:, known.numpy()]
        # The Gram matrix, its factor and its inverse share one name, so that each is freed when the next one is assigned.
        matrix = torch.zeros(len(known), len(known), device=context.device)
        for items, columns, values in item_pairs(taken, context.device):
            rows = torch.zeros(len(items), len(known), device=context.device)
            matrix[items] = rows.scatter_add_(1, columns.expand_as(values), values)  # padding adds 0
        matrix.diagonal().add_(self.params.l2)
        matrix, failed = torch.linalg.cholesky_ex(matrix)
        if failed:
            raise ConfigError(
                f"ease with l2 = {self.params.l2:g}: the Gram matrix of these data cannot be inverted in float32; raise l2"
            )
        matrix = torch.cholesky_inverse(matrix).T.contiguous()  # symmetric, but column-major: slow in products
        weights = matrix.div_(-matrix.diagonal().clone())  # column j by its own diagonal
        weights.fill_diagonal_(0.0)
        self.weights, self.known = weights, known.to(context.device)

    def score(self, queries: Queries) -> Tensor:
        """Return the sum of the weights of the history's items, `[B, I]`."""
        known = self.known
        history = csr_tensor(queries.matrix(binary=True)[:, known.cpu().numpy()], known.device)
        scores = torch.zeros(len(queries), queries.log.n_items + 1, device=known.device)
        return scores.index_copy_(1, known, history @ self.weights)

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return the weights of the history's items, `[M, K]`; several events of an item share its weight."""
        h, places = queries.histories, self._places(queries.log.n_items)
        of, to = places[torch.from_numpy(h.items)][:, None], places[items][torch.from_numpy(h.rows)]
        weights = self.weights[of, to].masked_fill_((of < 0) | (to < 0), 0.0)  # -1 is the last row, and never read
        return Contributions.of_sum(queries, weights / torch.from_numpy(h.occurrences).to(weights)[:, None])

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return what each item adds to the scores of all others, `[B, I]`."""
        known = self.known
        scores = torch.full((len(items), n_items + 1), -torch.inf, device=known.device)
        place = self._places(n_items)[items.to(known.device)]
        rows = (place >= 0).nonzero().squeeze(1)
        scores[rows[:, None], known] = self.weights[place[rows]]
        return scores

    def _places(self, n_items: int) -> Tensor:
        """Return the row of each item in the weights, `[I]` int64; -1 for an item without one."""
        known = self.known
        places = torch.full((n_items + 1,), -1, device=known.device)
        return places.index_copy_(0, known, torch.arange(len(known), device=known.device))


def _check_memory(n: int, device: torch.device) -> None:
    """Check that the matrices fit into free memory.

    Raises:
        ResourceError: They do not fit.
    """
    needed, free = EASE_MATRICES * 4 * n * n, available_bytes(device)
    if needed > free:
        raise ResourceError(
            f"ease on {n:,} items needs {needed / 2**30:.1f} GiB ({EASE_MATRICES} matrices of items by items), "
            f"but {free / 2**30:.1f} GiB are free on {device}: leave out rare items (`k_core` in `[data]`), "
            "use a machine with more memory, or take item-knn or als"
        )
