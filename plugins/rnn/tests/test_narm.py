"""NARM: its attention and its vectors against the paper's formulas."""

import numpy as np
import pytest
import torch
from shopzoo_rnn import narm
from shopzoo_rnn.narm import NARM, attention_weights
from shopzoo_rnn.params import NARMParams

from zoo.api import Queries


def small(**params):
    return NARM(NARMParams(**{"dim": 16, "length": 12, "dropout": 0.0, "item_dropout": 0.0, **params}))


def encoded(predictor, batch):
    with torch.no_grad():
        return predictor.network.encoder(batch)


def all_pairs(ask, answer, v):
    """Return the weights with every pair's sigmoids in memory, and torch's own gradient."""
    return (torch.sigmoid(ask[:, :, None] + answer[:, None]) @ v).tril()


@pytest.mark.parametrize(("block", "positions"), [(2**18, 16), (40, 2), (1, 1), (700, 5)])
def test_weights_and_gradients_are_those_of_all_pairs_at_once(monkeypatch, block, positions):
    """Whatever the blocks, the last of them not full included; the first row's products of exponentials overflow."""
    monkeypatch.setattr(narm, "BLOCK", block)
    monkeypatch.setattr(narm, "POSITIONS", positions)
    generator = torch.Generator().manual_seed(0)
    ask, answer = (torch.randn(3, 7, 5, generator=generator) * torch.tensor([30, 1, 1])[:, None, None] for _ in "qk")
    assert ask.abs().max() < 87
    assert (ask[:1, :, None] + answer[:1, None]).min() < -89
    leaves = [x.requires_grad_() for x in (ask, answer, torch.randn(5, generator=generator))]
    upstream = torch.randn(3, 7, 7, generator=generator)
    found, expected = attention_weights(*leaves), all_pairs(*leaves)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    gradients, wanted = (torch.autograd.grad((w * upstream).sum(), leaves) for w in (found, expected))
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_weights_are_exact_under_mixed_precision_too():
    generator = torch.Generator().manual_seed(0)
    ask, answer, v = (torch.randn(*shape, generator=generator) for shape in ((3, 9, 8), (3, 9, 8), (8,)))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = attention_weights(ask, answer, v)
    assert torch.equal(mixed, attention_weights(ask, answer, v))


def test_no_array_on_the_way_is_larger_than_a_block():
    blocks = list(narm._blocks(torch.empty(128, 200, 64)))
    sizes = [len(range(*r.indices(128))) * len(range(*t.indices(200))) * j.stop * 64 for r, t, j in blocks]
    assert max(sizes) <= narm.BLOCK
    read = torch.zeros(128, 200, 200, dtype=torch.int64)
    for rows, positions, keys in blocks:
        read[rows, positions, keys] += 1
    assert (read.tril() == torch.ones_like(read).tril()).all()


def test_every_position_has_the_vector_of_the_paper(cycle, fit):
    """The formulas of section 3, one position and one earlier state at a time."""
    predictor = fit(small(), cycle, max_epochs=3)
    batch = Queries.of_histories(cycle)[:6].batch(12)
    e = {name: p.detach().double().numpy() for name, p in predictor.network.encoder.named_parameters()}
    vectors = encoded(predictor, batch).numpy()

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    for row, (items, length) in enumerate(zip(batch.items.tolist(), batch.lengths.tolist(), strict=True)):
        states, h = [], np.zeros(16)
        for at, item in enumerate(items[:length]):
            read = e["gru.weight_ih_l0"] @ (e["items.weight"][item] * 4) + e["gru.bias_ih_l0"]
            kept = e["gru.weight_hh_l0"] @ h + e["gru.bias_hh_l0"]
            reset, update = (sigmoid(read[i : i + 16] + kept[i : i + 16]) for i in (0, 16))
            h = update * h + (1 - update) * np.tanh(read[32:] + reset * kept[32:])
            states.append(h)
            weights = [e["weigh"] @ sigmoid(e["ask.weight"] @ h + e["answer.weight"] @ before) for before in states]
            local = sum(weight * before for weight, before in zip(weights, states, strict=True))
            bilinear = e["out.weight"] @ np.concatenate([h, local])
            normal = (bilinear - bilinear.mean()) / np.sqrt(bilinear.var() + 1e-5)
            expected = normal * e["norm.weight"] + e["norm.bias"]
            np.testing.assert_allclose(vectors[row, at], expected, rtol=1e-4, atol=1e-5)
