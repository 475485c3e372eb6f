"""SASRec: what it may read, what it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shopzoo_transformer.params import SASRecParams
from shopzoo_transformer.sasrec import SASRec

from zoo.api import Interactions, Queries


def small(**params):
    return SASRec(SASRecParams(**{"dim": 16, "length": 12, "blocks": 2, "heads": 2, "dropout": 0.0, **params}))


@pytest.fixture(scope="module")
def trained(cycle, fit):
    return fit(small(), cycle)


def encoded(predictor, batch):
    with torch.no_grad():
        return predictor.network.encoder(batch)


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


@pytest.mark.parametrize("loss", ["softmax", "sampled-softmax", "gbce"])
def test_the_next_item_of_a_cycle_is_found(cycle, fit, loss, training_seed, assert_learned):
    predictor = fit(small(loss=loss, negatives=8), cycle, max_epochs=60, seed=training_seed)
    best = predictor.score(Queries.of_histories(cycle)).argmax(1).numpy()
    assert_learned((best == cycle.items[cycle.offsets[1:] - 1] % 15 + 1).mean(), above=0.97)


def test_the_order_of_a_history_is_read_and_without_blocks_the_last_item_alone(fit, training_seed, assert_learned):
    """Users go on to the item before last: 1 2 1 2, 3 1 3 1; the last item alone does not tell."""
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    rows = np.array([[a, b] * 4 for a, b in pairs])
    log = Interactions.from_arrays(np.repeat(np.arange(len(rows)), 8), rows.ravel(), np.tile(np.arange(8), len(rows)))
    found = {}
    for blocks in (0, 2):
        predictor = fit(small(blocks=blocks), log, max_epochs=150, seed=training_seed)
        found[blocks] = (predictor.score(Queries.of_histories(log)).argmax(1).numpy() == rows[:, 0]).mean()
    assert_learned(found[2], above=0.95, of="two blocks")
    assert_learned(found[0], below=0.51, of="no block")  # one of the four others


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
