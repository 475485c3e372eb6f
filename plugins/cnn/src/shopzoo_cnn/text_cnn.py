"""TextCNN: the strongest sign of each filter anywhere in a text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from shopzoo_cnn.params import TextCNNParams
from zoo.api import NeuralFeaturizer, TextBatch
from zoo.nn import dropout


class TextCNN(NeuralFeaturizer[TextCNNParams]):
    """Filters of several widths over a text's tokens, the largest value of each, and a linear layer (Kim, EMNLP 2014).

    What differs: tokens are pieces of words with vectors of their own, learned with the rest, where Kim begins from word2vec;
    it is trained on items that were taken together, not on labels; narrow filters of 1 to 3 tokens for short titles, where
    he has 3 to 5 for sentences. `widths` are the lengths of the runs that a filter sees, `filters` how many there are of each,
    `text_dim` is how wide the features are. Where a sign stands in a text is not read.
    """

    def build(self, tokens: int) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, tokens)


class Encoder(nn.Module):
    """Token vectors through the filters; a filter that would begin in the padding counts nothing."""

    def __init__(self, p: TextCNNParams, tokens: int) -> None:
        super().__init__()
        self.drop = p.dropout
        self.tokens = nn.Embedding(tokens, p.word_dim, padding_idx=0)
        nn.init.normal_(self.tokens.weight[1:], std=0.1)  # small, so that what is learned outweighs it
        self.widths = p.widths
        self.filters = nn.ModuleList(nn.Linear(width * p.word_dim, p.filters) for width in p.widths)
        self.out = nn.Linear(len(p.widths) * p.filters, p.text_dim)

    def forward(self, batch: TextBatch) -> Tensor:
        """Return a vector for each text, `[N, D]`."""
        x, real = self.tokens(batch.tokens), batch.mask[:, :, None]
        found = []
        for width, filters in zip(self.widths, self.filters, strict=True):
            # As a matrix product of the windows: for short texts twice as fast as a convolution.
            windows = pad(x, (0, 0, 0, width - 1)).unfold(1, width, 1).flatten(2)
            found.append(relu(filters(windows)).masked_fill(~real, 0.0).max(1).values)
        vectors: Tensor = self.out(dropout(torch.cat(found, 1), self.drop, self.training))
        return vectors
