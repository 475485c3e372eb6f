"""NextItNet against its paper's formulas, and how far back it sees."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shopzoo_cnn.nextitnet import NextItNet
from shopzoo_cnn.params import NextItNetParams

from zoo.api import Queries


def small(**params):
    return NextItNet(NextItNetParams(**{"dim": 6, "length": 13, "dropout": 0.0, **params}))


def normalised(x, norm):
    """Return vectors `[..., D]` after layer normalisation."""
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + norm.eps)
    return x * norm.weight.numpy() + norm.bias.numpy()


def by_the_paper(encoder, x):
    """Return a vector for each of the inputs `[L, D]`: two dilated layers a block, one position and one tap at a time."""
    for block in encoder.blocks:
        y = x
        for conv, norm in zip(block.convs, block.norms, strict=True):
            (kernel,), (dilation,) = conv.kernel_size, conv.dilation
            taps = conv.weight.numpy().transpose(2, 0, 1)  # [kernel, D, D], the last one reads the position itself
            outs = []
            for t in range(len(y)):
                reads = [(taps[j], t - (kernel - 1 - j) * dilation) for j in range(kernel)]
                out = sum(tap @ y[at] for tap, at in reads if at >= 0) + conv.bias.numpy()
                outs.append(np.maximum(normalised(out, norm), 0))
            y = np.stack(outs)
        x = x + y
    return normalised(x, encoder.norm)


@pytest.mark.parametrize("params", [{}, {"dilations": [1, 2], "blocks": 2}, {"kernel": 2}], ids=str)
def test_every_position_has_the_vector_of_the_paper(cycle, fit, params):
    predictor = fit(small(**params), cycle, max_epochs=3)
    batch = Queries.of_histories(cycle)[:6].batch(13)
    with torch.no_grad():
        encoder, table = predictor.network.encoder, predictor.network.items.weight.numpy()
        vectors = encoder(batch).numpy()
        for row, (items, length) in enumerate(zip(batch.items.tolist(), batch.lengths.tolist(), strict=True)):
            expected = by_the_paper(encoder, table[items[:length]].astype(np.float64) * 6**0.5)
            np.testing.assert_allclose(vectors[row, :length], expected, rtol=1e-3, atol=1e-4)


def test_it_sees_as_far_back_as_its_docstring_says(cycle, fit):
    predictor = fit(small(dilations=[1], blocks=1), cycle)
    batch = Queries.of_histories(cycle).batch(13)
    other = batch.items.clone()
    other[:, 0] = other[:, 0] % 15 + 1
    with torch.no_grad():
        before, after = (predictor.network.encoder(b) for b in (batch, replace(batch, items=other)))
    seen = 1 + 3 * (3 - 1) * 1
    torch.testing.assert_close(before[:, seen:], after[:, seen:], rtol=0, atol=1e-6)
    assert not torch.allclose(before[:, seen - 1], after[:, seen - 1])
