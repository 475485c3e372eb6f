"""ELSA: a linear autoencoder of histories with weights of low rank."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, normalize

from shopzoo_mf.params import ELSAParams, choose_batch_size
from zoo.api import Contributions, Fitted, Predictor, Queries, RunContext, TrainingData, TrainingError, train
from zoo.nn import cosines, csr_tensor

DEFAULTS = {"learning_rate": 0.03, "max_epochs": 50, "patience": 5}
"""Settings of `[train]` where the user sets none; the batch size depends on the number of users."""
STD = 0.01
"""Standard deviation of the initial weights. Their length has no effect on the scores; the learning rate is relative to it."""
TINY = 1e-6
"""The smallest squared length of a prediction, against division by 0."""


class ELSA(Predictor[ELSAParams]):
    """A linear autoencoder with the item-item matrix A A' - I, where row i of A, `[I, D]`, is the vector of item i, of length 1.

    Because the vectors have length 1, the diagonal of the matrix is zero: as in EASE, an item of the history adds nothing to its
    own score. The loss of a user with the binary history x and the scores y = x A A' - x is |x / |x| - y / |y||^2. Neither y
    nor A A' is computed: with z = x A, x'y = |z|^2 - |x|^2 and |y|^2 = z (A'A) z' - 2 |z|^2 + |x|^2, so that this is the exact
    loss over all items, for the price of the products A'A. The time of a step is proportional to items times D^2, plus the
    events of the batch times D; memory is that of a few `[I, D]`. Large catalogues therefore train in large batches.

    Source:
        V. Vancura, R. Alves, P. Kasalicky, P. Kordik, Scalable Linear Shallow Autoencoder for Collaborative Filtering, RecSys
        2022. What differs: AdamW of `[train]` takes the place of NAdam, and users with a single item, whose loss is constant,
        are skipped. As in the paper, event counts and weights are ignored.
    """

    fitted = Fitted(items="float32 [I, D]")
    items: Tensor
    """The item vectors A, `[I, D]` float32, of length 1; zero for items that do not occur in training."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Train the item vectors on batches of users.

        Raises:
            TrainingError: No user has two different items, or the loss is not finite.
        """
        matrix = data.interactions.matrix(binary=True)
        matrix = matrix[np.diff(matrix.indptr) > 1]
        if not matrix.shape[0]:
            raise TrainingError(
                "elsa: no user has two different items in training, so there is nothing to predict an item from. Use `popular`."
            )
        context, chosen = _with_settings(context, matrix.shape[0])
        settings, order = context.training.settings.filled(), context.rng("elsa/batches")
        with context.seeded("elsa/init"):
            network = LinearAutoencoder(torch.from_numpy(data.known), self.params.dim).to(context.device)
        batches = HistoryBatches(matrix, math.ceil(settings.batch_size / settings.devices), order)
        validate = None if context.validate is None else Validator(self, network, context.validate)
        params = self.params.model_dump(mode="json")
        trained = train(network, batches, context, "elsa", validate, streams=(order,), params=params)
        self.items = network.vectors()
        self.trained = replace(trained, chosen=chosen)

    def score(self, queries: Queries) -> Tensor:
        """Return the sum of the cosines with the items of each history, without that of an item with itself, `[B, I]`."""
        history = queries.matrix(binary=True)
        scores = (csr_tensor(history, self.items.device) @ self.items) @ self.items.T
        rows, items = (torch.from_numpy(part).to(scores.device) for part in history.nonzero())
        scores[rows, items] -= 1
        return scores

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return the cosines of the events' items with other items, `[M, K]`; several events of an item share its cosine."""
        h = queries.histories
        rows, taken = torch.from_numpy(h.rows), torch.from_numpy(h.items).long()
        wanted = items.cpu()[rows]
        cosines = (self.items[wanted] @ self.items[taken].unsqueeze(2)).squeeze(2)
        cosines -= (wanted == taken[:, None]).to(cosines)
        return Contributions.of_sum(queries, cosines / torch.from_numpy(h.occurrences).to(cosines)[:, None])

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the cosines of the item vectors, `[B, I]`."""
        return cosines(self.items, items)


@dataclass(frozen=True, eq=False)
class HistoryBatch:
    """The histories of the users of a batch.

    Attributes:
        items: The items of all histories, one after the other, `[N]` int64.
        offsets: The start of each history, `[B]` int64.
        sizes: The number of items of each history, `[B]` float32.
    """

    items: Tensor
    offsets: Tensor
    sizes: Tensor

    def to(self, device: torch.device | str, **options: Any) -> HistoryBatch:
        """Return the batch on a device."""
        return HistoryBatch(*(part.to(device, **options) for part in (self.items, self.offsets, self.sizes)))


class HistoryBatches:
    """Batches of users in a new random order in each epoch."""

    def __init__(self, matrix: scipy.sparse.csr_matrix, batch_size: int, rng: np.random.Generator) -> None:
        """Set the histories.

        Args:
            matrix: Users by items, binary.
            batch_size: Users in a batch.
            rng: The generator that shuffles.
        """
        self.matrix, self.batch_size, self.rng = matrix, batch_size, rng

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.matrix.indptr[1:]) / self.batch_size)

    def __iter__(self) -> Iterator[HistoryBatch]:
        """Yield the batches of one epoch."""
        order = self.rng.permutation(self.matrix.shape[0])
        for start in range(0, len(order), self.batch_size):
            block = self.matrix[order[start : start + self.batch_size]]
            items, offsets = (torch.from_numpy(part.astype(np.int64)) for part in (block.indices, block.indptr))
            yield HistoryBatch(items, offsets[:-1], offsets.diff().float())


class LinearAutoencoder(nn.Module):
    """The weights of the item vectors, with the loss of a batch of histories."""

    def __init__(self, known: Tensor, dim: int) -> None:
        """Draw the weights.

        Args:
            known: Which items occur in training, `[I]` bool.
            dim: The width D.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.randn(len(known), dim) * STD * known[:, None])

    def vectors(self) -> Tensor:
        """Return the item vectors A, `[I, D]`, without their gradient."""
        return normalize(self.weight.detach(), dim=1)

    def loss(self, batch: HistoryBatch) -> Tensor:
        """Return the mean over users of |x / |x| - y / |y||^2, which is 2 - 2 cos(x, y)."""
        with torch.autocast(self.weight.device.type, enabled=False):
            loss: Tensor = CosineLoss.apply(self.weight, batch)  # type: ignore[no-untyped-call]
        return loss


class CosineLoss(torch.autograd.Function):
    """The loss, with its gradient worked out by hand: a third of the time, because few tensors of the size of the weights are made."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, batch: HistoryBatch) -> Tensor:
        """Return the mean over users of 2 - 2 cos(x, y), and keep its gradient."""
        norms = weight.norm(dim=1, keepdim=True).clamp_min_(TINY)
        vectors = weight / norms  # A [I, D]
        codes = embedding_bag(batch.items, vectors, batch.offsets, mode="sum")  # z [B, D]
        weighted = codes @ (vectors.T @ vectors)  # z A'A [B, D]
        sizes, squares = batch.sizes[:, None], codes.square().sum(1, keepdim=True)
        lengths = ((weighted * codes).sum(1, keepdim=True) - 2 * squares + sizes).clamp_min_(TINY)  # |y|^2 [B, 1]
        scale = (sizes * lengths).rsqrt()
        cosine = (squares - sizes) * scale
        if ctx.needs_input_grad[0]:
            # The derivatives of the mean of -2 cos by |y|^2 and by |z|^2, then by z and by A.
            by_lengths, by_squares = cosine / lengths / len(codes), -2 * scale / len(codes)
            by_codes = 2 * by_lengths * weighted + (2 * by_squares - 4 * by_lengths) * codes
            gradient = vectors @ (2 * codes.T @ (by_lengths * codes))
            gradient.index_add_(0, batch.items, by_codes.repeat_interleave(batch.sizes.long(), 0))
            # The part along a vector changes nothing but its length, which is always 1.
            along = torch.linalg.vecdot(gradient, vectors)[:, None]
            ctx.gradient = gradient.addcmul_(vectors, along, value=-1).div_(norms)
        return (2 - 2 * cosine).mean()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:
        """Return the gradient by the weights."""
        gradient: Tensor = ctx.gradient
        return gradient.mul_(outer[0]), None


@dataclass(frozen=True, eq=False)
class Validator:
    """Calls `RunContext.validate` with a predictor that has the current item vectors of its network."""

    predictor: ELSA
    network: LinearAutoencoder
    validate: Callable[[Any], float]

    def __call__(self) -> float:
        """Return the metric."""
        self.predictor.items = self.network.vectors()
        return self.validate(self.predictor)


def _with_settings(context: RunContext, users: int) -> tuple[RunContext, dict[str, Any]]:
    """Return the context with a value for each setting of training, and those values that the user did not set."""
    given, earlier = context.training.settings, context.training.chosen
    values = {**DEFAULTS, "batch_size": choose_batch_size(users)}
    chosen = {name: earlier.get(name, value) for name, value in values.items() if getattr(given, name) is None}
    return context.for_training(settings=given.filled(**chosen)), chosen
