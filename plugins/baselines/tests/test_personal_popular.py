import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines.params import PersonalPopularParams
from shopzoo_baselines.personal_popular import PersonalPopular

from zoo.api import Interactions, Queries

DAY = 86_400_000


@given(st.data(), st.sampled_from([None, 1.0, 4.0]))
def test_own_weights_come_first_and_popularity_breaks_ties(logs, fitted, rows, data, half_life):
    log = data.draw(logs)
    model, queries = fitted(PersonalPopular(PersonalPopularParams(half_life=half_life)), log), Queries.of_histories(log)
    scores, popularity = model.score(queries), log.matrix().sum(axis=0).A1
    for b, history in enumerate(rows(log)):
        now, own = queries.now[b] / DAY, np.zeros(log.n_items + 1)
        for item, day, weight in history:
            own[item] += weight * (1 if half_life is None else 0.5 ** ((now - day) / half_life))
        keys = [(own[i], popularity[i]) for i in range(log.n_items + 1)]
        assert [[x < y for y in scores[b].tolist()] for x in scores[b].tolist()] == [
            [_less(x, y) for y in keys] for x in keys
        ]
        assert torch.equal(model.score(queries[b : b + 1])[0], scores[b])
    again = PersonalPopular(model.params)
    again.load_state(model.state())
    assert torch.equal(again.score(queries), scores)


def _less(a, b):
    """Compare two keys; own weights that differ by rounding only are equal."""
    return a[1] < b[1] if np.isclose(a[0], b[0], rtol=1e-7) else a[0] < b[0]


def test_half_life_by_hand(fitted):
    """Item 1 was taken twice ten days ago, item 2 once today: with a half-life of five days 2/4 stand against 1."""
    log = Interactions.from_arrays(np.array([0, 0, 0, 1]), np.array([1, 1, 2, 3]), np.array([0, 0, 10, 10]) * DAY)
    queries = Queries.of_histories(log)[:1]
    order = lambda params: fitted(PersonalPopular(params), log).score(queries)[0].argsort(descending=True).tolist()  # noqa: E731
    assert order(PersonalPopularParams())[:3] == [1, 2, 3]
    assert order(PersonalPopularParams(half_life=5))[:3] == [2, 1, 3]


def test_a_new_user_gets_popularity(fitted):
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([2, 2, 1]), n_users=3)
    assert fitted(PersonalPopular(PersonalPopularParams()), log).score(Queries.of_histories(log))[2].tolist() == [
        0,
        0.5,
        1,
    ]


def test_a_history_older_than_any_rounding_is_still_the_users_own(fitted):
    log = Interactions.from_arrays(np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([0, 0, 5000 * DAY]))
    queries = Queries.of_histories(log)
    late = Queries(log, queries.row[:1], queries.end[:1], np.array([5000 * DAY]), queries.users[:1])
    scores = fitted(PersonalPopular(PersonalPopularParams(half_life=1)), log).score(late)
    assert scores[0].argmax() == 1
