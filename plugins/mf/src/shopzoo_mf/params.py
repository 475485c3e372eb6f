"""Parameters of the components; importing this module imports neither torch nor scipy."""

from typing import Literal, Self

from pydantic import model_validator

from zoo.api import Field, LossName, NeuralParams, Params


class ALSParams(Params):
    """Parameters of `als`. The defaults were chosen on validation events of five data sets, not on one."""

    factors: int = Field(64, ge=1)
    """The width D of the vectors."""
    iterations: int = Field(15, ge=1)
    """Sweeps, each over all users and then all items."""
    regularization: float = Field(0.003, gt=0)
    """The weight of a vector's squared length, before it is scaled by the vector's frequency."""
    frequency_exponent: float = Field(1.0, ge=0)
    """How the regularisation of a user or item grows with what it weighs in the loss; 1 is iALS, 0 is Hu et al. (2008)."""
    unobserved: float | None = Field(None, gt=0)
    """The weight of a pair of user and item without regard to events; by default such that all pairs together weigh 16 times the events."""
    cg_steps: int = Field(2, ge=1)
    """Steps of conjugate gradients for each vector in each sweep."""


class ItemKNNParams(Params):
    """Parameters of `item-knn`."""

    k: int = Field(100, ge=1)
    """How many nearest neighbours of an item may vote for it."""
    shrinkage: float = Field(20.0, ge=0)
    """Added to the denominator of the cosine, so that items which few users share count as less similar."""
    damping: float = Field(0.5, ge=0, le=1)
    """How much less a user who took much says of each pair: 0 is the plain cosine, 1 makes all users say equally much."""


class EASEParams(Params):
    """Parameters of `ease`."""

    l2: float = Field(200.0, gt=0)
    """Added to the diagonal of the Gram matrix. Larger catalogues of sparser data want less, dense logs more (20 to 1000)."""


class BPRMFParams(NeuralParams):
    """Parameters of `bpr-mf`."""

    length: Literal[1] = 1
    """Has no other value: a user's vector takes the place of the history."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of a user vector's entries that is dropped in training."""
    loss: LossName = "bpr"
    """How an item that was taken is set against the others."""


class ItemItemMFParams(Params):
    """Parameters of `item-item-mf`."""

    factors: int = Field(256, ge=1)
    """The rank D of the factorisation."""
    shift: float = Field(1.0, ge=1)
    """The k of shifted PMI, as if for k negative samples a pair: its logarithm is subtracted before clipping at 0."""
    smoothing: float = Field(0.5, gt=0, le=1)
    """The power to which the frequency of the recommended item is raised; less than 1 favours frequent items."""
    exponent: float = Field(0.5, ge=0, le=1)
    """The power to which singular values are raised."""


class Kept(Params):
    """How many items a filter keeps: `n` of them, or a share."""

    n: int | None = Field(None, ge=1)
    """Keep this many items; more than the list is long, since items of the history count."""
    share: float | None = Field(None, gt=0, le=1)
    """Keep this share of the items that occur in training."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        """Refuse none and both."""
        if (self.n is None) == (self.share is None):
            found = "neither" if self.n is None else f"n = {self.n} and share = {self.share}"
            raise ValueError(f"give either `n` or `share`, found {found}. E.g. n = 500, or share = 0.2")
        return self


class UserItemMFParams(ALSParams, Kept):
    """Parameters of the filter `user-item-mf`: how much it keeps, and those of `als`."""


class ItemItemMFFilterParams(ItemItemMFParams, Kept):
    """Parameters of the filter `item-item-mf`: how much it keeps, and those of the predictor of that name."""
