"""BERT4Rec: its formulas, what it may read, what it learns."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch
from scipy.special import erf, softmax
from shopzoo_transformer.bert4rec import BERT4Rec
from shopzoo_transformer.params import BERT4RecParams

from zoo.api import Interactions, Queries


def small(**params):
    return BERT4Rec(BERT4RecParams(**{"dim": 32, "length": 13, "dropout": 0.0, "mask_rate": 0.3, **params}))


def walk(users):
    """Return a log of users who walk a circle of fifteen items, each from a place of its own."""
    lengths = np.random.default_rng(0).integers(3, 14, users)
    rows = [(np.arange(n) + 7 * user) % 15 + 1 for user, n in enumerate(lengths)]
    return Interactions.from_arrays(np.repeat(np.arange(users), lengths), np.concatenate(rows))


@pytest.fixture(scope="module")
def trained(cycle, fit):
    return fit(small(), cycle)


@pytest.fixture
def batch(cycle):
    """Return histories of which every third item is hidden."""
    whole = Queries.of_histories(cycle).batch(13)
    hidden = (torch.arange(whole.items.shape[1]) % 3 == 1) & (whole.items > 0)
    return replace(whole, items=whole.items.masked_fill(hidden, 0), masked=hidden)


def encoded(predictor, batch):
    with torch.no_grad():
        return predictor.network.encoder(batch)


def by_the_paper(predictor, batch, row):
    """Return the vectors of one history, `[L, D]`, position by position."""
    p, length = predictor.params, int(batch.lengths[row])
    w = {name: t.double().numpy() for name, t in predictor.network.state_dict().items()}

    def linear(name, x):
        return w[f"encoder.{name}.weight"] @ x + w[f"encoder.{name}.bias"]

    def norm(name, x):
        return w[f"encoder.{name}.weight"] * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + w[f"encoder.{name}.bias"]

    def gelu(x):
        return x * (1 + erf(x / sqrt(2))) / 2

    x = []
    for i in range(length):
        item, hidden = int(batch.items[row, i]), bool(batch.masked[row, i])
        vector = w["encoder.hidden"] if hidden else w["items.weight"][item] * sqrt(p.dim)
        x.append(vector + w["encoder.positions.weight"][length - 1 - i] * sqrt(p.dim))  # counted from the end
    for n in range(p.blocks):
        block = f"blocks.{n}"
        q, k, v = np.split(np.stack([linear(f"{block}.qkv", norm(f"{block}.norm_attention", row)) for row in x]), 3, 1)
        after = []
        for i in range(length):
            read = np.zeros(p.dim)
            for head in np.split(np.arange(p.dim), p.heads):
                weights = softmax([q[i, head] @ k[j, head] / sqrt(len(head)) for j in range(length)])
                read[head] = sum(weights[j] * v[j, head] for j in range(length))
            y = x[i] + linear(f"{block}.out", read)
            widened = gelu(linear(f"{block}.widen", norm(f"{block}.norm_forward", y)))
            after.append(y + linear(f"{block}.narrow", widened))
        x = after
    return np.stack([norm("norm_projected", gelu(linear("project", norm("norm", row)))) for row in x])


def test_its_vectors_are_those_of_the_paper(trained, batch):
    found = encoded(trained, batch)
    for row in range(5):
        expected = by_the_paper(trained, batch, row)
        np.testing.assert_allclose(found[row, : len(expected)].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_padding_is_never_read(cycle, batch, fit, training):
    predictor = fit(small(dropout=0.2), cycle)
    predictor.network.train(training)
    padded = torch.arange(batch.items.shape[1]) >= batch.lengths[:, None]
    assert padded.any()
    vectors = []
    for items in (batch.items, batch.items.masked_fill(padded, 3)):
        torch.manual_seed(0)
        vectors.append(encoded(predictor, replace(batch, items=items))[~padded])
    assert torch.equal(*vectors)


def test_a_hidden_item_cannot_be_read(trained, cycle, batch):
    whole = Queries.of_histories(cycle).batch(13).items
    assert not torch.equal(whole, batch.items)
    assert torch.equal(encoded(trained, batch), encoded(trained, replace(batch, items=whole)))


def test_a_position_reads_what_comes_before_and_after_it(trained, batch):
    longest = int(batch.lengths.argmax())
    for at in (0, 12):
        other = batch.items.clone()
        other[longest, at] = other[longest, at] % 15 + 1
        changed = encoded(trained, replace(batch, items=other)) != encoded(trained, batch)
        assert changed[longest].any(1).all()
        assert not changed[torch.arange(80) != longest].any()


def test_a_query_is_answered_at_a_hidden_position_after_its_history(trained, cycle):
    queries = Queries.of_histories(cycle)
    at = int(queries.lengths.argmax())
    assert queries.lengths[at] == 13
    history = queries[at : at + 1].batch(12)
    asked = replace(
        history,
        items=torch.cat([history.items, torch.zeros(1, 1, dtype=torch.int64)], 1),
        masked=torch.arange(13)[None] == 12,
        lengths=torch.tensor([13]),
    )
    expected = encoded(trained, asked)[0, 12] @ trained.network.items.weight.T
    torch.testing.assert_close(trained.score(queries[at : at + 1])[0, 1:16], expected[1:16].detach())


def test_the_next_and_the_hidden_items_of_a_cycle_are_found(batch, fit, training_seed, assert_learned):
    log = walk(300)
    predictor = fit(
        small(), log, max_epochs=60, batch_size=32, learning_rate=0.004, schedule="cosine", seed=training_seed
    )
    best = predictor.score(Queries.of_histories(log)).argmax(1).numpy()
    assert_learned((best == log.items[log.offsets[1:] - 1] % 15 + 1).mean(), above=0.97, of="next")
    filled = predictor.network.items.all_logits(encoded(predictor, batch)[batch.masked]).argmax(1)
    place = torch.arange(batch.items.shape[1]).expand(batch.items.shape)[batch.masked]
    first = batch.items[:, :1].expand(batch.items.shape)[batch.masked]
    assert_learned((filled == (first - 1 + place) % 15 + 1).float().mean(), above=0.97, of="hidden")
