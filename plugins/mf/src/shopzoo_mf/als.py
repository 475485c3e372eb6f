"""Matrix factorisation for implicit feedback by alternating least squares (iALS)."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from shopzoo_mf.params import ALSParams
from zoo.api import DataError, Predictor, Queries, RunContext, TrainingData
from zoo.nn import csr_tensor

UNOBSERVED_TO_OBSERVED = 16.0
"""What all pairs together weigh, as a multiple of the events, where no weight is given. Weights tuned on one data set do
not carry over to another of another density; this ratio did, on five of 6 % to .05 %."""
FOLD_IN_STEPS = 12
"""Steps of conjugate gradients for a query's vector, which starts from nothing."""
TINY = 1e-30
"""Keeps 0 / 0 from becoming NaN where a row has nothing to solve for."""


class ALS(Predictor[ALSParams]):
    """Users and items as vectors whose products fit a weighted square loss over all pairs.

    The loss is the sum over events of c (1 - p'q)^2, plus the unobserved weight a times the sum over *all* pairs of
    (p'q)^2, plus l (w + a n)^e |p|^2 for each vector: c is what the pair's events weigh in sum, w their total for the
    vector's user or item, n the number of items or users on the other side. With e = 1 this is iALS as Rendle et al.
    scale it, with e = 0 the regularisation of Hu et al. The vectors of one side are solved for by conjugate gradients,
    from where they stood, while the other side is fixed; then the sides change roles.

    A query is scored by folding it in: its history is solved for like a user of training, so that a new user, and what
    a known one has done since, are served alike; the users' own vectors are not kept. A sweep costs two sparse products
    a step, in time proportional to events times factors.

    Source:
        Y. Hu, Y. Koren, C. Volinsky, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008;
        S. Rendle, W. Krichene, L. Zhang, Y. Koren, Revisiting the Performance of iALS on Item Recommendation
        Benchmarks, RecSys 2022; conjugate gradients after G. Takacs, I. Pilaszy, D. Tikk, Applications of the Conjugate
        Gradient Method for Implicit Feedback Collaborative Filtering, RecSys 2011.
    """

    fitted = ("items", "popularity", "unobserved")
    items: Tensor
    """The items' vectors, `[I, D]` float32; zero for items that do not occur in training."""
    popularity: Tensor
    """Each item's share of the events, by weight, `[I]` float32."""
    unobserved: float
    """The weight of a pair without regard to events."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Alternate between the users' and the items' least-squares problems.

        Raises:
            DataError: The events weigh nothing.
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
        """Return the products of the queries' folded-in vectors with all items' vectors, `[B, I]`."""
        return self.fold_in(queries) @ self.items.T

    def score_items(self, queries: Queries, items: Tensor) -> Tensor:
        """Return the products with the given items' vectors only, `[B, K]`."""
        return (self.items[items] @ self.fold_in(queries).unsqueeze(2)).squeeze(2)

    def fold_in(self, queries: Queries) -> Tensor:
        """Return the vectors that the queries' users would have had in training, `[B, D]`."""
        events = Events.of(csr_tensor(queries.matrix(), self.items.device))
        start = torch.zeros(len(queries), self.items.shape[1], device=self.items.device)
        return self._fold_in.solve(events, start, FOLD_IN_STEPS)

    @cached_property
    def _fold_in(self) -> LeastSquares:
        """Return the problem of a user, given the fitted items."""
        return self._problem(self.items, self.popularity, int((self.popularity > 0).sum()))

    def _problem(self, fixed: Tensor, share: Tensor, n: int) -> LeastSquares:
        """Return the problem of one side's vectors while the `n` vectors of the other side are fixed."""
        ridge = (self.params.regularization, self.params.frequency_exponent)
        return LeastSquares(fixed, share, pairs=self.unobserved * n, unobserved=self.unobserved, ridge=ridge)


class Events(NamedTuple):
    """What each row (user, or item) did with each column (item, or user)."""

    weights: Tensor
    """`[n, m]` in CSR layout."""
    totals: Tensor
    """The sum of each row, `[n, 1]`."""
    fits: Tensor
    """Room for a value an event, in the same layout: written to by each step, so that none allocates it anew."""

    @classmethod
    def of(cls, weights: Tensor) -> Events:
        """Return the events of a matrix in CSR layout."""
        return cls(weights, weights @ torch.ones(weights.shape[1], 1, device=weights.device), weights.clone())


class LeastSquares:
    """The normal equations of every row x of one side, (a Y'Y + sum of c y y' + l (w + b)^e I) x = sum of c y.

    Solved for all rows at once by conjugate gradients, preconditioned: the sum of c y y' over a row's events is replaced
    by its expectation w M, with M the mean of y y' over all events. Then the matrices of all rows are combinations of
    just two, (a Y'Y + l b I) + w (M + l I), and one basis T makes both diagonal: T' (first) T = I, T' (second) T = S.
    So a preconditioning step is two small products, and two steps come closer to the solution than three plain ones.
    """

    def __init__(
        self, fixed: Tensor, share: Tensor, *, pairs: float, unobserved: float, ridge: tuple[float, float]
    ) -> None:
        """Prepare what all rows have in common.

        Args:
            fixed: The other side's vectors Y, `[m, D]`.
            share: Each of its vectors' share of the events, `[m]`.
            pairs: The weight b of a row's pairs without regard to events.
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
        """Return the rows `[n, D]` after some steps of conjugate gradients from where they stand."""
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

    def _fit(self, rows: Tensor, fits: Tensor) -> None:
        """Write the products of rows with the fixed vectors, at the events only."""
        torch.sparse.sampled_addmm(fits, rows, self.fixed.T, beta=0.0, out=fits)
