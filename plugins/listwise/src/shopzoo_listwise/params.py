"""Parameters of the component; importing this module imports no torch."""

from typing import Literal

from zoo.api import Field, NeuralRankerParams, choice, log_range


class ListwiseRankerParams(NeuralRankerParams):
    """Parameters of `neural-ranker`."""

    loss: Literal["listnet", "softmax", "lambdarank", "approx-ndcg", "neural-ndcg"] = Field(
        "softmax", tune=choice("listnet", "softmax", "lambdarank", "approx-ndcg", "neural-ndcg")
    )
    """The loss: two cross-entropies over a list, pairs weighted by their change of NDCG, or two smooth approximations of 1 - NDCG."""
    temperature: float = Field(1.0, gt=0, tune=log_range(0.3, 3.0))
    """Divides the scores before the loss: lower values approximate NDCG more closely, but give sparser gradients."""
    loss_cutoff: int | None = Field(None, ge=1, le=1_000_000)
    """The K of the NDCG@K in `lambdarank` and `neural-ndcg`; the whole list by default."""
