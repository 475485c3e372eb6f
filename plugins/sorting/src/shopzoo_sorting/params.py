"""Parameters of the components; importing this module imports no torch."""

from typing import Literal, Self

from pydantic import model_validator

from zoo.api import Field, NeuralRankerParams, choice, float_range, int_range, log_range


class SortingNetworkParams(NeuralRankerParams):
    """Parameters of `sorting-network`."""

    mode: Literal["scorer", "comparator"] = Field("scorer", tune=choice("scorer", "comparator"))
    """The model: a score, trained through a soft sort (`scorer`), or a comparison of two candidates (`comparator`)."""
    network: Literal["bitonic", "odd-even"] = "bitonic"
    """The sorting network: `bitonic` has about K log² K comparisons for K candidates, `odd-even` K²."""
    loss: Literal["ndcg", "permutation"] = Field("ndcg", tune=choice("ndcg", "permutation", when={"mode": "scorer"}))
    """The loss of the soft order: 1 - NDCG, or the cross-entropy of the relaxed permutation."""
    sigmoid: Literal["logistic", "cauchy", "reciprocal", "optimal"] = "optimal"
    """The function from the difference of two scores to the share that is swapped; all but `logistic` keep the sort monotonic."""
    steepness: float = Field(4.0, gt=0, allow_inf_nan=False, tune=log_range(1.0, 20.0, when={"mode": "scorer"}))
    """Factor on that difference: higher values approximate a hard sort more closely, but give sparser gradients."""
    wires: Literal["random", "sorted", "listed"] = "random"
    """Assignment of candidates to the wires of the network: drawn in each step, by score, or in the order of the list."""
    loss_cutoff: int | None = Field(None, ge=1, le=1_000_000)
    """Number of top places that count in the loss; all by default."""
    partners: int = Field(8, ge=1, le=100_000, tune=int_range(4, 16, when={"mode": "comparator"}))
    """Number of candidates of the list that each candidate is compared with in a training step of the `comparator`."""


class SortingAutoencoderParams(NeuralRankerParams):
    """Parameters of `sorting-autoencoder`."""

    scorer: Literal["mlp", "set-attention"] = Field("set-attention", tune=choice("mlp", "set-attention"))
    """The encoder of candidates: self-attention over the list, or a multilayer perceptron for each candidate alone (`mlp`)."""
    places: int = Field(100, ge=1, le=100_000)
    """Number of top places that the decoder reads, which is the bottleneck; all later places share one vector."""
    code: int = Field(0, ge=0, le=65_536)
    """Width of the code of a candidate; with a smaller code, the order must carry more information."""
    sorting: Literal["soft", "none", "random"] = "soft"
    """How candidates are put in order; `none` (the order of the list) and `random` are for ablations."""
    network: Literal["bitonic", "odd-even"] = "odd-even"
    """The sorting network: `bitonic` has about K log² K comparisons for K candidates, `odd-even` K²."""
    sigmoid: Literal["logistic", "cauchy", "reciprocal", "optimal"] = "optimal"
    """The function from the difference of two scores to the share that is swapped."""
    steepness: float = Field(16.0, gt=0, allow_inf_nan=False, tune=log_range(4.0, 64.0))
    """Factor on that difference."""
    pretrain_epochs: int = Field(10, ge=0, le=1_000_000, tune=choice(0, 10))
    """Number of pretraining epochs, which reconstruct features of all lists, with and without labels; 0 skips pretraining."""
    drop: float = Field(0.2, ge=0, lt=1)
    """Share of the input features that is dropped in pretraining."""
    swap: float = Field(0.1, ge=0, lt=1)
    """Share of the input features that is swapped with another candidate of the list in pretraining."""
    noise: float = Field(0.1, ge=0)
    """Standard deviation of the normal noise on the other input features in pretraining."""
    feedback: float = Field(0.5, ge=0, tune=float_range(0.0, 1.0))
    """Weight of the loss of the decoded feedback in supervised training."""
    reconstruction: float = Field(0.5, ge=0, tune=float_range(0.0, 1.0))
    """Weight of the reconstruction loss in supervised training."""

    @model_validator(mode="after")
    def _shares_of_one_whole(self) -> Self:
        """Reject shares that sum to more than 1."""
        if self.drop + self.swap > 1:
            raise ValueError(
                f"expected `drop` and `swap` to be shares of one whole, found {self.drop:g} and {self.swap:g}."
            )
        return self
