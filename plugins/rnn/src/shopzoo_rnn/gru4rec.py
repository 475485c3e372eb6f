"""GRU4Rec: a recurrent network that carries what a user took from one event to the next."""

from __future__ import annotations

from torch import Tensor, nn

from shopzoo_rnn.params import GRU4RecParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout


class GRU4Rec(NeuralPredictor[GRU4RecParams]):
    """Gated recurrent units over item vectors (Hidasi et al., ICLR 2016; Hidasi and Karatzoglou, CIKM 2018).

    As in the authors' own PyTorch version with `constrained_embedding`, an item has one vector, read at the input and
    scored at the output. `loss = "sampled-softmax"` with `negative_sampling = "popularity"` is their sampled
    cross-entropy with logQ, `loss = "bpr-max"` their other one. What differs: a user's events are one sequence that is
    trained at all its positions at once, not cut by session-parallel batches; the optimiser is `[train]`'s AdamW, not
    Adagrad; items have no bias; the input is scaled by sqrt(dim). It needs an order of events and no clock. An epoch
    reads each user's last `length + 1` events once.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors through the recurrent layers."""

    def __init__(self, p: GRU4RecParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.item_drop, self.drop = items, p.item_dropout, p.dropout
        between = p.dropout if p.layers > 1 else 0.0
        self.gru = nn.GRU(p.dim, p.dim, p.layers, batch_first=True, dropout=between)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the state after each event, `[B, L, D]`; right padding comes after all that counts."""
        x = dropout(self.items.inputs(batch.items), self.item_drop, self.training)
        states, _ = self.gru(x)
        return dropout(states, self.drop, self.training)
