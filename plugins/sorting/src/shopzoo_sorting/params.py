"""Parameters of the components; importing this module imports no torch."""

from typing import Literal, Self

from pydantic import model_validator

from zoo.api import Field, NeuralRankerParams


class SortingNetworkParams(NeuralRankerParams):
    """Parameters of `sorting-network`."""

    mode: Literal["scorer", "comparator"] = "scorer"
    """What is learned: a score, through a soft sort (`scorer`), or which of two candidates stands higher (`comparator`)."""
    network: Literal["bitonic", "odd-even"] = "bitonic"
    """The comparisons that sort: about K log² K of them for K candidates, or K²."""
    loss: Literal["ndcg", "permutation"] = "ndcg"
    """What is made small of a soft order: 1 - NDCG, or the cross-entropy of what stands at each place."""
    sigmoid: Literal["logistic", "cauchy", "reciprocal", "optimal"] = "optimal"
    """How much of a pair is swapped, by the difference of its scores; with all but `logistic` a better score makes no place worse."""
    steepness: float = Field(4.0, gt=0, allow_inf_nan=False)
    """Multiplies that difference: the higher, the nearer a soft sort is to a sort, and the rarer its gradients."""
    wires: Literal["random", "sorted", "listed"] = "random"
    """Which candidate starts at which end of the network: drawn anew in each step, by their scores, or as they are listed."""
    loss_cutoff: int | None = Field(None, ge=1)
    """The places of the order that count in the loss; all by default."""
    partners: int = Field(8, ge=1)
    """Candidates of its list with which each one is compared in a step of the `comparator`'s training."""


class SortingAutoencoderParams(NeuralRankerParams):
    """Parameters of `sorting-autoencoder`."""

    scorer: Literal["mlp", "set-attention"] = "set-attention"
    """What encodes a candidate: self-attention over its list, or layers that read it alone (`mlp`)."""
    places: int = Field(100, ge=1)
    """The first places of the order that are kept: the bottleneck. What stands behind them is one and the same to the decoder."""
    code: int = Field(0, ge=0)
    """Numbers that a candidate brings to its place. The fewer they are, the more the order has to tell."""
    sorting: Literal["soft", "none", "random"] = "soft"
    """What brings candidates to their places; `none` (as listed) and `random` are there to show what the sort is worth."""
    network: Literal["bitonic", "odd-even"] = "odd-even"
    """The comparisons that sort: about K log² K of them for K candidates, or K²."""
    sigmoid: Literal["logistic", "cauchy", "reciprocal", "optimal"] = "optimal"
    """How much of a pair is swapped, by the difference of its scores."""
    steepness: float = Field(16.0, gt=0, allow_inf_nan=False)
    """Multiplies that difference."""
    pretrain_epochs: int = Field(10, ge=0)
    """Epochs over all lists, those without labels too, in which features are reconstructed; 0 learns from labels alone."""
    drop: float = Field(0.2, ge=0, lt=1)
    """Share of the features of a candidate that are lost on the way in, in pretraining."""
    swap: float = Field(0.1, ge=0, lt=1)
    """Share that is taken from another candidate of the list, likewise."""
    noise: float = Field(0.1, ge=0)
    """Spread of the normal noise on the rest, likewise."""
    feedback: float = Field(0.5, ge=0)
    """Weight of the feedback that is decoded from the places, beside the loss of the order, when labels are learned."""
    reconstruction: float = Field(0.5, ge=0)
    """Weight of the reconstruction of features, likewise."""

    @model_validator(mode="after")
    def _shares_of_one_whole(self) -> Self:
        """Refuse more harm than there are features."""
        if self.drop + self.swap > 1:
            raise ValueError(
                f"expected `drop` and `swap` to be shares of one whole, found {self.drop:g} and {self.swap:g}."
            )
        return self
