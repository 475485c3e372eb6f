import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from shopzoo_listwise.neural_ranker import ListwiseRanker
from shopzoo_listwise.params import ListwiseRankerParams

from zoo.api import RankingData, RunContext
from zoo.nn import lambdarank, list_ndcg, neural_ndcg

LOSSES = ("listnet", "softmax", "lambdarank", "approx-ndcg", "neural-ndcg")


def lists_of(n, seed=0, worth=lambda f, place: f[:, 0] + f[:, 1]):
    """Return lists of three to nine candidates with two features, graded 0 to 2 by what these are worth together."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(3, 10, n))])
    features = rng.normal(size=(offsets[-1], 2)).astype(np.float32)
    labels = np.digitize(worth(features, offsets[:-1]), [0.5, 1.5]).astype(np.float32)
    return RankingData(
        offsets, torch.arange(1, len(labels) + 1), torch.zeros(len(labels)), torch.from_numpy(features),
        torch.from_numpy(labels), ("a", "b"), None, np.ones(n, np.bool_),
    )  # fmt: skip


def fitted(data, epochs=20, seed=0, learning_rate=0.02, max_epochs=100, **params):
    settings = {"dim": 16, "dropout": 0.0, **params}
    ranker = ListwiseRanker(ListwiseRankerParams(**settings))
    ranker.fit(data, RunContext(seed, epochs=epochs).for_ranker(learning_rate=learning_rate, max_epochs=max_epochs))
    return ranker


def quality(ranker, data):
    lists = data.where(data.decided).lists()
    return float(list_ndcg(ranker.score(lists), lists.labels, lists.mask, 10).mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_learns_an_order_that_no_feature_has(loss, training_seed, assert_learned):
    ranker, asked = fitted(lists_of(200), loss=loss, seed=training_seed), lists_of(100, seed=1)
    lists = asked.where(asked.decided).lists()
    assert all(float(list_ndcg(f, lists.labels, lists.mask, 10).mean()) < 0.9 for f in lists.features.unbind(-1))
    assert_learned(quality(ranker, asked), above=0.98)


def test_self_attention_learns_what_a_candidate_is_worth_in_its_list(training_seed, assert_learned):
    def near_the_mean(f, first):
        """Grade a candidate by where it stands to the mean of its list."""
        sums = np.add.reduceat(f[:, 0], first)
        lengths = np.diff(np.append(first, len(f)))
        return 1.5 - 2 * np.abs(f[:, 0] - np.repeat(sums / lengths, lengths))

    data, asked = (lists_of(n, seed, near_the_mean) for n, seed in ((400, 0), (100, 1)))
    alone, together = (
        quality(fitted(data, inputs="values", scorer=name, blocks=2, learning_rate=0.01, seed=training_seed), asked)
        for name in ("mlp", "set-attention")
    )
    assert_learned(alone, below=0.93, of="alone")
    assert_learned(together, above=0.97, of="together")


def test_the_parameters_reach_the_loss():
    scores, labels = torch.randn(3, 6), torch.randint(0, 3, (3, 6)).float()
    mask = torch.ones(3, 6, dtype=torch.bool)
    cut = ListwiseRankerParams(loss="lambdarank", loss_cutoff=2, temperature=0.5)
    expected = lambdarank(scores, labels, mask, k=2, sigma=2.0)
    torch.testing.assert_close(ListwiseRanker(cut).loss(scores, labels, mask), expected)
    soft = ListwiseRankerParams(loss="neural-ndcg", loss_cutoff=3, temperature=2.0)
    expected = neural_ndcg(scores, labels, mask, k=3, temperature=2.0)
    torch.testing.assert_close(ListwiseRanker(soft).loss(scores, labels, mask), expected)
    values = {
        name: ListwiseRanker(ListwiseRankerParams(loss=name)).loss(scores, labels, mask).item() for name in LOSSES
    }
    assert len(set(values.values())) == len(LOSSES)


def test_what_was_saved_answers_alike():
    data = lists_of(40)
    ranker = fitted(replace(data, validation=lists_of(30, seed=2)), epochs=None, max_epochs=3)
    state = ranker.state()
    loaded = ListwiseRanker(ranker.params)
    loaded.load_state(replace(state, values=json.loads(json.dumps(state.values))))
    assert torch.equal(loaded.score(data.lists()), ranker.score(data.lists()))
    assert len(ranker.trained.history) == 3
