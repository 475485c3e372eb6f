"""What holds of both encoders: what a position may read, and what the models learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shopzoo_cnn.caser import Caser
from shopzoo_cnn.nextitnet import NextItNet
from shopzoo_cnn.params import CaserParams, NextItNetParams

from zoo.api import Interactions, Queries

SMALL = {"dim": 16, "length": 12, "dropout": 0.0}
MODELS = {
    "caser": lambda **p: Caser(CaserParams(**{**SMALL, "horizontal": 4, "vertical": 2, **p})),
    "caser-users": lambda **p: Caser(CaserParams(**{**SMALL, "horizontal": 4, "user_vectors": True, **p})),
    "nextitnet": lambda **p: NextItNet(NextItNetParams(**{**SMALL, "dilations": [1, 2], **p})),
}


@pytest.fixture(scope="module", params=MODELS)
def make(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def trained(make, cycle, fit):
    return fit(make(), cycle)


def encoded(predictor, batch):
    with torch.no_grad():
        return predictor.network.encoder(batch)


@pytest.mark.parametrize("at", [1, 2, 5, 9, 11, 12])
def test_what_comes_after_a_position_changes_nothing_before_it(trained, cycle, at):
    batch = Queries.of_histories(cycle).batch(12)
    other = batch.items.clone()
    other[:, at:] = torch.randint(1, 16, other[:, at:].shape, generator=torch.Generator().manual_seed(at))
    before, after = encoded(trained, batch), encoded(trained, replace(batch, items=other))
    torch.testing.assert_close(before[:, :at], after[:, :at], rtol=0, atol=0)
    assert at == 12 or not torch.allclose(before[:, at], after[:, at])


def test_padding_is_never_read(trained, cycle):
    batch = Queries.of_histories(cycle).batch(12)
    padded = torch.arange(batch.items.shape[1]) >= batch.lengths[:, None]
    assert padded.any()
    before = encoded(trained, batch)
    after = encoded(trained, replace(batch, items=batch.items.masked_fill(padded, 3)))
    assert torch.equal(before[~padded], after[~padded])


def test_a_query_alone_is_scored_as_in_a_batch(trained, cycle):
    queries = Queries.of_histories(cycle)
    together = trained.score(queries)
    alone = torch.cat([trained.score(queries[i : i + 1]) for i in range(len(queries))])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_every_parameter_gets_a_gradient(trained, cycle):
    trained.network.zero_grad()
    trained.network.encoder(Queries.of_histories(cycle).batch(12)).pow(2).sum().backward()
    for name, parameter in trained.network.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_a_model_from_the_saved_state_scores_the_same(make, trained, cycle):
    again = make()
    again.load_state(trained.state())
    queries = Queries.of_histories(cycle)
    assert torch.equal(again.score(queries), trained.score(queries))


def test_the_next_item_of_a_cycle_is_found(make, cycle, fit, training_seed, assert_learned):
    predictor = fit(make(), cycle, max_epochs=40, seed=training_seed)
    best = predictor.score(Queries.of_histories(cycle)).argmax(1).numpy()
    assert_learned((best == cycle.items[cycle.offsets[1:] - 1] % 15 + 1).mean(), above=0.97)


def test_the_order_of_a_history_is_read(make, fit, training_seed, assert_learned):
    """Users go on to the item before last: 1 2 1 2, 3 1 3 1; the last item alone does not tell."""
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    rows = np.array([[a, b] * 4 for a, b in pairs])
    log = Interactions.from_arrays(np.repeat(np.arange(len(rows)), 8), rows.ravel(), np.tile(np.arange(8), len(rows)))
    predictor = fit(make(), log, max_epochs=100, seed=training_seed)
    outsiders = replace(Queries.of_histories(log), users=np.zeros(len(rows), np.int64))
    assert_learned((predictor.score(outsiders).argmax(1).numpy() == rows[:, 0]).mean(), above=0.95)


def test_the_withheld_field_of_a_checkerboard_comes_before_the_other_colour(make, fit, training_seed, assert_learned):
    """Users take fields of one colour in an order of their own, and leave one out."""
    n, rng = 20, np.random.default_rng(0)
    withheld = np.arange(200) % n + 1
    rows = [rng.permutation([i for i in range(2 - w % 2, n + 1, 2) if i != w]) for w in withheld]
    log = Interactions.from_arrays(np.repeat(np.arange(200), 9), np.concatenate(rows), np.tile(np.arange(9), 200))
    scores = fit(make(), log, max_epochs=10, seed=training_seed).score(Queries.of_histories(log))
    other = torch.arange(n + 1)[None] % 2 != torch.from_numpy(withheld)[:, None] % 2
    other[:, 0] = False
    leads = scores[torch.arange(200), withheld] - scores.masked_fill(~other, -torch.inf).amax(1)
    assert_learned(leads.min(), above=0)


def test_two_fits_of_a_seed_are_the_same(make, cycle, fit):
    queries = Queries.of_histories(cycle)
    one, two, other = (fit(make(dropout=0.2), cycle, seed=s).score(queries) for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
