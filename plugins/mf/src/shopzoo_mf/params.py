"""Parameters of the components; importing this module imports neither torch nor scipy."""

import math
from typing import Literal, Self

from pydantic import model_validator

from zoo.api import DataSize, Field, LossName, NeuralParams, Params, choice, float_range, int_range, log_range

FLOAT = 4
"""Bytes of a float32."""
EASE_MATRICES = 2
"""Number of items-by-items matrices in memory: the Gram matrix and its factor, then the factor and the inverse."""


EVENT_WORK = 100
"""The time to sum the vector of an event in a batch of `elsa`, in the unit of `NeuralParams.epoch_work`."""


class ALSParams(Params):
    """Parameters of `als`. The defaults were chosen on the validation events of five data sets."""

    factors: int = Field(64, ge=1, le=65_536, tune=int_range(16, 256, log=True))
    """Number of latent factors D."""
    iterations: int = Field(15, ge=1, le=1_000_000)
    """Number of sweeps, each over all users and then all items."""
    regularization: float = Field(0.003, gt=0, tune=log_range(0.0003, 0.1))
    """Weight of the L2 regularisation of a vector, before it is scaled by the vector's frequency."""
    frequency_exponent: float = Field(1.0, ge=0, tune=float_range(0.0, 1.0))
    """Exponent of the frequency of a user or item in its regularisation; 1 is iALS, 0 is Hu et al. (2008)."""
    unobserved: float | None = Field(None, gt=0, tune=log_range(0.0001, 1.0, unset=True))
    """Weight of each pair of user and item, with or without events; by default all pairs together weigh 16 times the events."""
    cg_steps: int = Field(2, ge=1, le=1_000_000)
    """Steps of conjugate gradients per vector and sweep."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the vectors of both sides, and of those of one side while they are replaced."""
        rows = size.users + size.items + max(size.users, size.items)
        return FLOAT * self.factors * rows


class ItemKNNParams(Params):
    """Parameters of `item-knn`."""

    k: int = Field(100, ge=1, le=1_000_000, tune=int_range(20, 500, log=True))
    """Number of nearest neighbours of an item that contribute to its score."""
    shrinkage: float = Field(20.0, ge=0, tune=float_range(0.0, 100.0))
    """Added to the denominator of the cosine, which reduces the similarity of items with few common users."""
    damping: float = Field(0.5, ge=0, le=1, tune=float_range(0.0, 1.0))
    """Damping of active users: 0 is the plain cosine, 1 gives all users the same total weight."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of neighbours and similarities."""
        return 2 * FLOAT * size.items * min(self.k, size.items)


class EASEParams(Params):
    """Parameters of `ease`."""

    l2: float = Field(200.0, gt=0, tune=log_range(5.0, 5000.0))
    """L2 regularisation, added to the diagonal of the Gram matrix: less for large catalogues with sparse data, more for dense logs (20 to 1000)."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the matrices of items by items."""
        return EASE_MATRICES * FLOAT * size.items**2


def choose_batch_size(users: int) -> int:
    """Return the users of a batch of `elsa`: the power of two that makes about 100 batches an epoch, within limits."""
    return min(max(2 ** round(math.log2(max(users / 100, 1))), 32), 8192)


class ELSAParams(Params):
    """Parameters of `elsa`."""

    dim: int = Field(256, ge=1, le=65_536, tune=int_range(64, 1024, log=True))
    """Width D of the item vectors, the rank of the item-item matrix. An epoch takes time in proportion to its square."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the weights, gradient, two moments of Adam and the best weights, and of the vectors of a step."""
        return 7 * FLOAT * self.dim * size.items

    def epoch_work(self, size: DataSize) -> float | None:
        """Return the time of an epoch: a product of items by D^2 for each batch, and the vectors of the events."""
        batches = math.ceil(size.users / choose_batch_size(size.users))
        return float(batches * size.items * self.dim**2 + EVENT_WORK * size.events * self.dim)


class BPRMFParams(NeuralParams):
    """Parameters of `bpr-mf`."""

    length: Literal[1] = 1
    """Fixed at 1: the model reads the user vector, not the history."""
    dropout: float = Field(0.0, ge=0, lt=1, tune=float_range(0.0, 0.5))
    """Dropout rate on user vectors."""
    loss: LossName = Field("bpr", tune=choice("bpr", "bpr-max", "sampled-softmax"))
    """The training loss."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the vectors of items and users: weight, gradient, two moments of Adam and the best weights."""
        return 5 * FLOAT * self.dim * (size.items + size.users)

    def layers_in_work(self) -> int:
        """Return 0: there is nothing between the vectors of users and items."""
        return 0


class ItemItemMFParams(Params):
    """Parameters of `item-item-mf`."""

    factors: int = Field(256, ge=1, le=65_536, tune=int_range(32, 512, log=True))
    """Rank D of the factorisation."""
    shift: float = Field(1.0, ge=1, tune=log_range(1.0, 20.0))
    """The k of shifted PMI, which corresponds to k negative samples per pair: log k is subtracted before clipping at 0."""
    smoothing: float = Field(0.5, gt=0, le=1, tune=float_range(0.3, 1.0))
    """Exponent of the frequency of the recommended item; values below 1 favour frequent items."""
    exponent: float = Field(0.5, ge=0, le=1, tune=float_range(0.0, 1.0))
    """Exponent of the singular values."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the vectors of the subspace iteration; the matrix of pairs depends on the histories."""
        return 4 * FLOAT * self.factors * size.items


class Kept(Params):
    """The number of items that a filter keeps: `n` of them, or a share."""

    n: int | None = Field(None, ge=1, le=1_000_000_000)
    """Keep this many items; choose more than the length of the lists, since items of the history count."""
    share: float | None = Field(None, gt=0, le=1)
    """Keep this share of the items that occur in training."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        """Require exactly one of `n` and `share`."""
        if (self.n is None) == (self.share is None):
            found = "neither" if self.n is None else f"n = {self.n} and share = {self.share}"
            raise ValueError(f"give either `n` or `share`, found {found}. E.g. n = 500, or share = 0.2")
        return self


class UserItemMFParams(ALSParams, Kept):
    """Parameters of the filter `user-item-mf`: the number of items to keep, and those of `als`."""


class ItemItemMFFilterParams(ItemItemMFParams, Kept):
    """Parameters of the filter `item-item-mf`: the number of items to keep, and those of the predictor of the same name."""
