"""Parameters of the component; importing this module imports no torch."""

from typing import Literal

from zoo.api import Field, NeuralRankerParams


class ListwiseRankerParams(NeuralRankerParams):
    """Parameters of `neural-ranker`."""

    loss: Literal["listnet", "softmax", "lambdarank", "approx-ndcg", "neural-ndcg"] = "softmax"
    """What is made small: two cross-entropies over a list, pairs weighed by what their swap does to NDCG, or 1 - NDCG made smooth."""
    temperature: float = Field(1.0, gt=0)
    """Divides the scores before the loss: the lower, the nearer the smooth NDCGs are to NDCG, and the rarer their gradients."""
    loss_cutoff: int | None = Field(None, ge=1)
    """The K of the NDCG@K in `lambdarank` and `neural-ndcg`; the whole list by default."""
