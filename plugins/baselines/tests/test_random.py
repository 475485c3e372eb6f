import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines.params import RandomParams
from shopzoo_baselines.random import Random

from zoo.api import Interactions, Queries


@given(st.data())
def test_a_batch_of_one_gets_its_row_of_the_batch(logs, fitted, data):
    log = data.draw(logs)
    model, queries = fitted(Random(RandomParams()), log), Queries.of_histories(log)
    together = model.score(queries)
    assert together.dtype == torch.float32
    assert ((together >= 0) & (together < 1)).all()
    for b in range(len(queries)):
        assert torch.equal(model.score(queries[b : b + 1])[0], together[b])
    again = Random(RandomParams())
    again.load_state(model.state())
    assert torch.equal(again.score(queries), together)


def queries_of(*histories, n_items=500):
    users = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    log = Interactions.from_arrays(
        users, np.concatenate(histories).astype(int), n_items=n_items, n_users=len(histories)
    )
    return log, Queries.of_histories(log)


def test_user_items_and_order_of_the_history_decide_the_scores_and_the_seed_does(fitted):
    log, queries = queries_of([1, 2], [1, 2], [2, 1], [1, 2, 2], [])
    strangers = Queries(queries.log, queries.row, queries.end, queries.now, queries.users * 0)
    a, b, c, d, e = fitted(Random(RandomParams()), log).score(strangers)
    assert torch.equal(a, b)
    for x, y in [(a, c), (a, d), (a, e), (c, d)]:
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.2
    own = fitted(Random(RandomParams()), log).score(queries)
    assert abs(np.corrcoef(own[0], own[1])[0, 1]) < 0.2
    other = fitted(Random(RandomParams()), log, seed=1).score(strangers)
    assert abs(np.corrcoef(other[0], a)[0, 1]) < 0.2


def test_every_item_has_the_same_chance(fitted):
    n_users, n_items = 4000, 20
    log, queries = queries_of(*[[1 + u % n_items] for u in range(n_users)], n_items=n_items)
    scores = fitted(Random(RandomParams()), log).score(queries)[:, 1:]
    first = np.bincount(scores.argmax(1), minlength=n_items)
    chi2 = ((first - n_users / n_items) ** 2 / (n_users / n_items)).sum()
    assert chi2 < 43.8  # the 0.1 % point of chi-square with 19 degrees of freedom
    assert abs(scores.mean() - 0.5) < 0.005
    assert abs(scores.var() - 1 / 12) < 0.003
