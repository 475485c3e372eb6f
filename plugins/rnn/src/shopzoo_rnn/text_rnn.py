"""TextRNN: a bidirectional recurrent network over the tokens of a text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopzoo_rnn.params import TextRNNParams
from zoo.api import NeuralFeaturizer, TextBatch
from zoo.nn import dropout


class TextRNN(NeuralFeaturizer[TextRNNParams]):
    """A bidirectional recurrent network over the tokens of a text, max pooling over its states, and a linear layer.

    The recurrent-convolutional network of Lai et al. (AAAI 2015) without its layer between states and pooling, with gated
    recurrent units (Cho et al., EMNLP 2014). It is trained on items that were taken together, not on labels. Tokens are read
    sequentially, so long texts cost more than in the other text encoders: `text_length` limits their length, `state_dim` is
    the width of the state, `text_dim` the width of the features.
    """

    def build(self, tokens: int) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, tokens)


class Encoder(nn.Module):
    """Two recurrent layers over token vectors; the backward layer starts at the end of each text."""

    def __init__(self, p: TextRNNParams, tokens: int) -> None:
        super().__init__()
        self.drop = p.dropout
        self.tokens = nn.Embedding(tokens, p.word_dim, padding_idx=0)
        nn.init.normal_(self.tokens.weight[1:], std=0.1)  # small, so that training dominates
        self.forwards, self.backwards = (nn.GRU(p.word_dim, p.state_dim, batch_first=True) for _ in range(2))
        self.out = nn.Linear(2 * p.state_dim, p.text_dim)

    def forward(self, batch: TextBatch) -> Tensor:
        """Return a vector for each text, `[N, D]`."""
        x, real = dropout(self.tokens(batch.tokens), self.drop, self.training), batch.mask
        turned = batch.lengths[:, None] - 1 - torch.arange(x.shape[1], device=x.device)
        reversed_x = x.gather(1, turned.clamp(min=0)[:, :, None].expand_as(x))
        # Max pooling ignores the order of positions, so the backward states need not be reversed again.
        states = torch.cat([self.forwards(x)[0], self.backwards(reversed_x)[0]], 2)
        best = states.masked_fill(~real[:, :, None], -torch.inf).amax(1)
        vectors: Tensor = self.out(dropout(best.masked_fill(~real[:, :1], 0.0), self.drop, self.training))
        return vectors
