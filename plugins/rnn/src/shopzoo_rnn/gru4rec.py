"""GRU4Rec: a recurrent network over the items of a history."""

from __future__ import annotations

from torch import Tensor, nn

from shopzoo_rnn.params import GRU4RecParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout


class GRU4Rec(NeuralPredictor[GRU4RecParams]):
    """Gated recurrent units over item vectors (Hidasi et al., ICLR 2016; Hidasi and Karatzoglou, CIKM 2018).

    As in the authors' PyTorch version with `constrained_embedding`, input and output share the item embedding.
    `loss = "sampled-softmax"` with `negative_sampling = "popularity"` is their sampled cross-entropy with logQ
    correction, `loss = "bpr-max"` their other loss. What differs: the events of a user are one sequence, trained at all
    positions at once instead of in session-parallel batches; the optimiser is the AdamW of `[train]`, not Adagrad; items
    have no bias; the input is scaled by sqrt(dim). It needs the order of events, but no real times. An epoch reads each
    history in windows of `length + 1` events.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Recurrent layers over item vectors."""

    def __init__(self, p: GRU4RecParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.item_drop, self.drop = items, p.item_dropout, p.dropout
        between = p.dropout if p.layers > 1 else 0.0
        self.gru = nn.GRU(p.dim, p.dim, p.layers, batch_first=True, dropout=between)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the state after each event, `[B, L, D]`; sequences are right-padded, so states never read padding."""
        x = dropout(self.items.embed_inputs(batch.items), self.item_drop, self.training)
        states, _ = self.gru(x)
        return dropout(states, self.drop, self.training)
