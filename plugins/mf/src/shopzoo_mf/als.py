"""Matrix factorisation for implicit feedback by alternating least squares (iALS)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor

from shopzoo_mf.params import ALSParams
from zoo.api import Contributions, DataError, Field, Fitted, Predictor, Queries, RunContext, TrainingData
from zoo.nn import cosines, csr_tensor
from zoo.nn.sparse import of_parts

UNOBSERVED_TO_OBSERVED = 16.0
"""Default ratio of the total weight of all pairs to that of the events. A weight per pair tuned on one data set does not
transfer to data of another density; this ratio did, on five data sets with densities of 6 % to .05 %."""
FOLD_IN_STEPS = 12
"""Steps of conjugate gradients for the vector of a query, which starts at zero."""
BLOCK = 2**20
"""Numbers in the vectors of a block of rows that are solved together."""
TINY = 1e-30
"""Prevents 0 / 0 for rows without events."""


class ALS(Predictor[ALSParams]):
    """Matrix factorisation with a weighted squared loss over all pairs of users and items.

    The loss is the sum over events of c (1 - p'q)^2, plus the unobserved weight a times the sum over *all* pairs of
    (p'q)^2, plus l (w + a n)^e |p|^2 for each vector: c is the total weight of the pair's events, w that of the vector's
    user or item, n the number of items or users on the other side. With e = 1 this is iALS as scaled by Rendle et al.,
    with e = 0 the regularisation is that of Hu et al. Conjugate gradients, warm-started, solve for the vectors of one
    side while those of the other side are fixed; then the sides swap roles.

    A query is folded in: its history is solved for like that of a training user, so new users and new events of known
    users need no special case; user vectors are not stored. A sweep takes two sparse products per step, in time
    proportional to events times factors.

    Source:
        Y. Hu, Y. Koren, C. Volinsky, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008;
        S. Rendle, W. Krichene, L. Zhang, Y. Koren, Revisiting the Performance of iALS on Item Recommendation
        Benchmarks, RecSys 2022; conjugate gradients after G. Takacs, I. Pilaszy, D. Tikk, Applications of the Conjugate
        Gradient Method for Implicit Feedback Collaborative Filtering, RecSys 2011.
    """

    fitted = Fitted(
        items="float32 [I, D]",
        popularity="float32 [I]",
        unobserved=Annotated[float, Field(gt=0, allow_inf_nan=False)],
    )
    items: Tensor
    """The item vectors, `[I, D]` float32; zero for items that do not occur in training."""
    popularity: Tensor
    """Each item's share of the total event weight, `[I]` float32."""
    unobserved: float
    """The weight of each pair, with or without events."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Alternate between the least-squares problems of users and items.

        Raises:
            DataError: The total weight of the events is not positive.
        """
        matrix = data.interactions.matrix()
        by_user = Events.of(csr_tensor(matrix, context.device))
        by_item = Events.of(csr_tensor(matrix.T.tocsr(), context.device))
        n_users, n_items = int((np.diff(matrix.indptr) > 0).sum()), int(data.known.sum())
        total = float(by_user.totals.sum())
        if total <= 0:
            raise DataError(
                f"als needs events that weigh something: the {len(data.interactions):,} training events weigh {total:g} "
                "in sum; give the types that count a positive weight (`event_weights` in `[data]`)"
            )
        self.unobserved = self.params.unobserved or UNOBSERVED_TO_OBSERVED * total / (n_users * n_items)
        self.popularity = (by_item.totals / total).squeeze(1)
        activity = (by_user.totals / total).squeeze(1)

        users = torch.zeros(matrix.shape[0], self.params.factors, device=context.device)
        items = torch.randn(
            matrix.shape[1], self.params.factors, generator=context.generator("als/items"), device=context.device
        )
        items *= 0.1 / self.params.factors**0.5 * (self.popularity > 0)[:, None]  # Rendle et al., section 3
        for done in range(self.params.iterations):
            users = self._problem(items, self.popularity, n_items).solve(by_user, users, self.params.cg_steps)
            items = self._problem(users, activity, n_users).solve(by_item, items, self.params.cg_steps)
            context.progress(done + 1, self.params.iterations)
        self.items = items

    def score(self, queries: Queries) -> Tensor:
        """Return the products of the folded-in query vectors with all item vectors, `[B, I]`."""
        return self.fold_in(queries) @ self.items.T

    def item_vectors(self) -> Tensor:
        """Return the item vectors, `[I, D]`."""
        return self.items

    def query_vectors(self, queries: Queries) -> Tensor:
        """Return the folded-in vectors of the queries, `[B, D]`."""
        return self.fold_in(queries)

    def score_items(self, queries: Queries, items: Tensor) -> Tensor:
        """Return the products with the vectors of the given items, `[B, K]`."""
        return (self.items[items] @ self.fold_in(queries).unsqueeze(2)).squeeze(2)

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return c y_j' A^-1 y_i for each event of weight c with item i and each item j, `[M, K]` (Hu et al., section 5).

        A is the matrix of the normal equations of the query. What the conjugate gradients of `score` leave of them is the rest.
        """
        h, device = queries.histories, self.items.device
        rows, taken, weights = (torch.from_numpy(v).to(device) for v in (h.rows, h.items, h.weights))
        values = self.items.new_zeros(len(rows), items.shape[1])
        for row, wanted in enumerate(self.items[items.to(device)].double()):
            own = rows == row
            vectors, weight = self.items[taken[own]].double(), weights[own].double()
            solved = torch.linalg.solve(self._fold_in.matrix_of(vectors, weight), wanted.T)
            values[own] = (weight[:, None] * (vectors @ solved)).float()
        rest = self.score_items(queries, items).index_add(0, rows, values, alpha=-1)
        return Contributions(values, rest, exact=True)

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the cosines of the item vectors, `[B, I]`."""
        return cosines(self.items, items)

    def fold_in(self, queries: Queries) -> Tensor:
        """Return the user vectors of the queries, solved from their histories, `[B, D]`."""
        events = Events.of(csr_tensor(queries.matrix(), self.items.device))
        start = torch.zeros(len(queries), self.items.shape[1], device=self.items.device)
        return self._fold_in.solve(events, start, FOLD_IN_STEPS)

    @cached_property
    def _fold_in(self) -> LeastSquares:
        """Return the least-squares problem of a user, given the item vectors."""
        return self._problem(self.items, self.popularity, int((self.popularity > 0).sum()))

    def _problem(self, fixed: Tensor, share: Tensor, n: int) -> LeastSquares:
        """Return the least-squares problem of one side, given the `n` fixed vectors of the other side."""
        ridge = (self.params.regularization, self.params.frequency_exponent)
        return LeastSquares(fixed, share, pairs=self.unobserved * n, unobserved=self.unobserved, ridge=ridge)


class Events(NamedTuple):
    """The event weights of users by items, or of items by users."""

    weights: Tensor
    """`[n, m]` in CSR layout."""
    totals: Tensor
    """The sum of each row, `[n, 1]`."""
    fits: Tensor
    """A buffer with one value per event, in the same layout, which the steps reuse."""

    @classmethod
    def of(cls, weights: Tensor) -> Events:
        """Return the events of a CSR matrix."""
        return cls(weights, weights @ torch.ones(weights.shape[1], 1, device=weights.device), weights.clone())

    def blocks(self, rows: int) -> Iterator[tuple[slice, Events]]:
        """Yield consecutive blocks of rows, which share the memory of these events."""
        offsets, columns, width = self.weights.crow_indices(), self.weights.col_indices(), self.weights.shape[1]
        for start in range(0, len(self.totals), rows):
            block = slice(start, min(start + rows, len(self.totals)))
            first, last = int(offsets[start]), int(offsets[block.stop])
            place = {"offsets": offsets[start : block.stop + 1] - first, "columns": columns[first:last]}
            weights, fits = (
                of_parts({**place, "values": part.values()[first:last]}, width) for part in (self.weights, self.fits)
            )
            yield block, Events(weights, self.totals[block], fits)


class LeastSquares:
    """The normal equations of each row x of one side, (a Y'Y + sum of c y y' + l (w + b)^e I) x = sum of c y.

    Preconditioned conjugate gradients solve them for all rows at once. The preconditioner replaces the sum of c y y' over
    the events of a row by its expectation w M, with M the mean of y y' over all events. The matrices of all rows are then
    combinations of two, (a Y'Y + l b I) + w (M + l I), and one basis T diagonalises both: T' (first) T = I,
    T' (second) T = S. A preconditioning step takes two small products, and two preconditioned steps come closer to the
    solution than three plain ones.
    """

    def __init__(
        self, fixed: Tensor, share: Tensor, *, pairs: float, unobserved: float, ridge: tuple[float, float]
    ) -> None:
        """Compute the terms that all rows share.

        Args:
            fixed: The vectors Y of the other side, `[m, D]`.
            share: The share of the total event weight of each of them, `[m]`.
            pairs: The total unobserved weight b of the pairs of a row.
            unobserved: The weight a of one pair.
            ridge: The regularisation l and its exponent e.
        """
        self.fixed, self.pairs, self.ridge = fixed, pairs, ridge
        self.gram = unobserved * (fixed.T @ fixed)
        typical = ridge[0] * pairs ** (ridge[1] - 1) * torch.eye(fixed.shape[1], dtype=torch.float64)
        first = self.gram.double().cpu() + pairs * typical
        second = (fixed.T @ (fixed * share[:, None])).double().cpu() + typical
        whiten = torch.linalg.inv(torch.linalg.cholesky(first))
        spectrum, rotation = torch.linalg.eigh(whiten @ second @ whiten.T)
        self.basis, self.spectrum = (whiten.T @ rotation).to(fixed), spectrum.to(fixed)

    def solve(self, events: Events, rows: Tensor, steps: int) -> Tensor:
        """Return the rows `[n, D]` after `steps` steps of conjugate gradients, starting from `rows`.

        Rows do not depend on each other: they are solved in blocks, whose temporary vectors stay in the cache.
        """
        size = max(BLOCK // rows.shape[1], 1)
        if len(rows) <= size:
            return self._solve(events, rows, steps)
        found = torch.empty_like(rows)
        for block, part in events.blocks(size):
            found[block] = self._solve(part, rows[block], steps)
        return found

    def _solve(self, events: Events, rows: Tensor, steps: int) -> Tensor:
        """Return the rows of a block after `steps` steps."""
        weights, totals, fits = events
        ridge = self.ridge[0] * (totals + self.pairs) ** self.ridge[1]
        damping = 1 / (1 + totals * self.spectrum)
        self._fit(rows, fits)
        fits.values().neg_().add_(1).mul_(weights.values())
        residual = (fits @ self.fixed).sub_(rows @ self.gram).sub_(ridge * rows)
        direction, energy = torch.zeros_like(rows), torch.zeros_like(ridge)
        for _ in range(steps):
            better = (residual @ self.basis).mul_(damping) @ self.basis.T
            previous, energy = energy, (residual * better).sum(1, keepdim=True)
            direction = better.addcmul_(direction, energy / previous.clamp_min(TINY))
            self._fit(direction, fits)
            fits.values().mul_(weights.values())
            image = (fits @ self.fixed).add_(direction @ self.gram).add_(ridge * direction)
            step = energy / (direction * image).sum(1, keepdim=True).clamp_min_(TINY)
            rows = torch.addcmul(rows, step, direction)
            residual.addcmul_(step, image, value=-1)
        return rows

    def matrix_of(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """Return the matrix of the equations of one row, `[D, D]` float64.

        Args:
            vectors: The vectors of its events, `[n, D]` float64.
            weights: Their weights, `[n]` float64.
        """
        ridge = self.ridge[0] * (weights.sum() + self.pairs) ** self.ridge[1]
        matrix = self.gram.double() + (vectors * weights[:, None]).T @ vectors
        matrix.diagonal().add_(ridge)
        return matrix

    def _fit(self, rows: Tensor, fits: Tensor) -> None:
        """Write to `fits` the products of rows with the fixed vectors, only at the events."""
        torch.sparse.sampled_addmm(fits, rows, self.fixed.T, beta=0.0, out=fits)
