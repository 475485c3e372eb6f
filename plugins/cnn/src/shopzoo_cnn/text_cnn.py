"""TextCNN: convolutions over the tokens of a text, and max pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from shopzoo_cnn.params import TextCNNParams
from zoo.api import NeuralFeaturizer, TextBatch
from zoo.nn import dropout


class TextCNN(NeuralFeaturizer[TextCNNParams]):
    """Convolutions of several widths over the tokens of a text, max pooling, and a linear layer (Kim, EMNLP 2014).

    What differs: tokens are subwords with embeddings learned from scratch, while Kim starts from word2vec; it is trained on
    items that were taken together, not on labels; filters span 1 to 3 tokens, for short titles, while Kim's span 3 to 5, for
    sentences. `widths` are the kernel sizes, `filters` is the number of filters of each width, `text_dim` the width of the
    features. Max pooling discards the position of a match in the text.
    """

    def build(self, tokens: int) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, tokens)


class Encoder(nn.Module):
    """Convolutions over token vectors; windows that start in the padding are ignored."""

    def __init__(self, p: TextCNNParams, tokens: int) -> None:
        super().__init__()
        self.drop = p.dropout
        self.tokens = nn.Embedding(tokens, p.word_dim, padding_idx=0)
        nn.init.normal_(self.tokens.weight[1:], std=0.1)  # small, so that training dominates
        self.widths = p.widths
        self.filters = nn.ModuleList(nn.Linear(width * p.word_dim, p.filters) for width in p.widths)
        self.out = nn.Linear(len(p.widths) * p.filters, p.text_dim)

    def forward(self, batch: TextBatch) -> Tensor:
        """Return a vector for each text, `[N, D]`."""
        x, real = self.tokens(batch.tokens), batch.mask[:, :, None]
        found = []
        for width, filters in zip(self.widths, self.filters, strict=True):
            # For short texts a matrix product over windows is twice as fast as a convolution.
            windows = pad(x, (0, 0, 0, width - 1)).unfold(1, width, 1).flatten(2)
            found.append(relu(filters(windows)).masked_fill(~real, 0.0).max(1).values)
        vectors: Tensor = self.out(dropout(torch.cat(found, 1), self.drop, self.training))
        return vectors
