"""SASRec: self-attention over what a user took, read from left to right."""

from __future__ import annotations

from torch import Tensor, nn

from shopzoo_transformer.params import SASRecParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import TransformerBlock, dropout


class SASRec(NeuralPredictor[SASRecParams]):
    """A causal Transformer whose vector at each position gives the next item (Kang and McAuley, ICDM 2018).

    What differs: layers are normalised before, not after, they are used, the feed-forward layer is four times as wide,
    and the loss is a softmax over the catalogue, not one negative (worth a quarter of HR@10 and more than any change of
    architecture; Klenitskiy and Vasilev, RecSys 2023). Positions are counted from the oldest event that is read. It
    needs an order of events and no clock. An epoch reads each user's last `length + 1` events once.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors plus position vectors through the blocks."""

    def __init__(self, p: SASRecParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop = items, p.dropout
        self.positions = nn.Embedding(p.length, p.dim)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.blocks = nn.ModuleList(TransformerBlock(p.dim, p.heads, p.dropout, causal=True) for _ in range(p.blocks))
        self.norm = nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`."""
        x = self.items.inputs(batch.items) + self.positions.weight[: batch.items.shape[1]]
        x = dropout(x, self.drop, self.training)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)
