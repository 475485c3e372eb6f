"""NARM: its attention against the paper's formulas, what it may read, what it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shopzoo_rnn import narm
from shopzoo_rnn.narm import NARM, attention_weights
from shopzoo_rnn.params import NARMParams

from zoo.api import Interactions, Queries


def small(**params):
    return NARM(NARMParams(**{"dim": 16, "length": 12, "dropout": 0.0, "item_dropout": 0.0, **params}))


@pytest.fixture(scope="module")
def trained(cycle, fit):
    return fit(small(), cycle)


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


@settings(max_examples=30)
@given(data=st.data())
def test_what_comes_after_a_position_changes_nothing_before_it(trained, cycle, data):
    batch = Queries.of_histories(cycle).batch(12)
    at = data.draw(st.integers(1, batch.items.shape[1] - 1))
    other = batch.items.clone()
    other[:, at:] = torch.randint(1, 16, other[:, at:].shape, generator=torch.Generator().manual_seed(at))
    before, after = encoded(trained, batch), encoded(trained, replace(batch, items=other))
    torch.testing.assert_close(before[:, :at], after[:, :at], rtol=0, atol=0)
    assert not torch.equal(before[:, at:], after[:, at:])


def test_padding_is_never_read(trained, cycle):
    batch = Queries.of_histories(cycle).batch(12)
    padded = torch.arange(batch.items.shape[1]) >= batch.lengths[:, None]
    assert padded.any()
    before = encoded(trained, batch)
    after = encoded(trained, replace(batch, items=batch.items.masked_fill(padded, 3)))
    assert torch.equal(before[~padded], after[~padded])


def test_the_next_item_of_a_cycle_is_found(cycle, fit, training_seed, assert_learned):
    predictor = fit(small(), cycle, max_epochs=40, seed=training_seed)
    best = predictor.score(Queries.of_histories(cycle)).argmax(1).numpy()
    assert_learned((best == cycle.items[cycle.offsets[1:] - 1] % 15 + 1).mean(), above=0.97)


def test_the_order_of_a_history_is_read(fit, training_seed, assert_learned):
    """Users go on to the item before last: 1 2 1 2, 3 1 3 1; the last item alone does not tell."""
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    rows = np.array([[a, b] * 4 for a, b in pairs])
    log = Interactions.from_arrays(np.repeat(np.arange(len(rows)), 8), rows.ravel(), np.tile(np.arange(8), len(rows)))
    predictor = fit(small(), log, max_epochs=80, seed=training_seed)
    best = predictor.score(Queries.of_histories(log)).argmax(1).numpy()
    assert_learned((best == rows[:, 0]).mean(), above=0.95)


def test_the_withheld_field_of_a_checkerboard_comes_before_the_other_colour(fit, training_seed, assert_learned):
    """Users take fields of one colour in an order of their own, and leave one out."""
    n, rng = 20, np.random.default_rng(0)
    withheld = np.arange(200) % n + 1
    rows = [rng.permutation([i for i in range(2 - w % 2, n + 1, 2) if i != w]) for w in withheld]
    log = Interactions.from_arrays(np.repeat(np.arange(200), 9), np.concatenate(rows), np.tile(np.arange(9), 200))
    scores = fit(small(), log, max_epochs=10, seed=training_seed).score(Queries.of_histories(log))
    other = torch.arange(n + 1)[None] % 2 != torch.from_numpy(withheld)[:, None] % 2
    other[:, 0] = False
    leads = scores[torch.arange(200), withheld] - scores.masked_fill(~other, -torch.inf).amax(1)
    assert_learned(leads.min(), above=0)


def test_two_fits_of_a_seed_are_the_same(cycle, fit):
    queries = Queries.of_histories(cycle)
    one, two, other = (fit(small(dropout=0.2), cycle, seed=s).score(queries) for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
