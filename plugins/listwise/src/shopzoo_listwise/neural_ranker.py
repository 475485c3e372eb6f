"""Neural rankers that differ only in their listwise loss."""

from __future__ import annotations

from torch import Tensor

from shopzoo_listwise.params import ListwiseRankerParams
from zoo.api import NeuralRanker
from zoo.nn import approx_ndcg, lambdarank, list_softmax, listnet, neural_ndcg


class ListwiseRanker(NeuralRanker[ListwiseRankerParams]):
    """A network that scores candidates, each alone or with attention over the list, trained with a listwise loss.

    The losses are ListNet (Cao et al., ICML 2007), the softmax cross-entropy with gains (Bruch et al., ICTIR 2019),
    LambdaRank as LambdaLoss writes it (Burges, 2010; Wang et al., CIKM 2018), ApproxNDCG (Qin et al., Information
    Retrieval 2010) and NeuralNDCG (Pobrotyn and Białobrzeski, SIGIR eCom 2021). The scorers are a multilayer perceptron and
    self-attention without positions (Pobrotyn et al., SIGIR eCom 2020).

    It needs features, but no real times. An epoch reads each list with at least two different labels once; ApproxNDCG,
    NeuralNDCG and LambdaRank without a `loss_cutoff` need memory for each pair of candidates of a list.
    """

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of the lists, a scalar."""
        p = self.params
        scores = scores / p.temperature
        if p.loss == "lambdarank":
            return lambdarank(scores, labels, mask, p.loss_cutoff)
        if p.loss == "neural-ndcg":
            return neural_ndcg(scores, labels, mask, k=p.loss_cutoff)
        loss = {"listnet": listnet, "softmax": list_softmax, "approx-ndcg": approx_ndcg}[p.loss]
        return loss(scores, labels, mask)
