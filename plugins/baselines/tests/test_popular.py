import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines.params import PopularParams, TopPopularParams
from shopzoo_baselines.popular import Popular, TopPopular

from zoo.api import ConfigError, Interactions, Queries
from zoo.params import validated

DAY = 86_400_000


@given(st.data(), st.sampled_from([None, 0.5, 3.0]))
def test_it_adds_up_what_is_left_of_each_event(logs, fitted, rows, data, half_life):
    log = data.draw(logs)
    model = fitted(Popular(PopularParams(half_life=half_life)), log)
    events = [e for row in rows(log) for e in row]
    end, expected = max(day for _, day, _ in events), np.zeros(log.n_items + 1)
    for item, day, weight in events:
        expected[item] += weight * (1 if half_life is None else 0.5 ** ((end - day) / half_life))
    scores = model.score(Queries.of_histories(log))
    np.testing.assert_allclose(scores, np.tile(expected, (log.n_users, 1)), rtol=1e-6)
    again = Popular(PopularParams(half_life=half_life))
    again.load_state(model.state())
    assert torch.equal(again.score(Queries.of_histories(log)), scores)


def test_half_life_by_hand(fitted):
    """Three old events are worth 3/4 after two half-lives, less than one event of today."""
    log = Interactions.from_arrays(np.zeros(4, int), np.array([1, 1, 1, 2]), np.array([0, 0, 0, 20 * DAY]))
    queries = Queries.of_histories(log)
    assert fitted(Popular(PopularParams()), log).score(queries).tolist() == [[0, 3, 1]]
    assert fitted(Popular(PopularParams(half_life=10)), log).score(queries).tolist() == [[0, 0.75, 1]]


@given(st.data(), st.integers(1, 9))
def test_top_popular_keeps_exactly_the_first_n(logs, fitted, data, n):
    log = data.draw(logs)
    model = fitted(TopPopular(TopPopularParams(n=n)), log)
    counts = log.matrix().sum(axis=0).A1
    order = sorted(np.flatnonzero(counts), key=lambda item: (-counts[item], item))
    assert model.keep(Queries.of_histories(log)).nonzero()[:, 1].tolist() == sorted(order[:n])


def test_a_share_is_of_the_items_that_occur(fitted):
    log = Interactions.from_arrays(np.zeros(7, int), np.array([1, 2, 2, 3, 3, 3, 4]), n_items=50)
    keep = fitted(TopPopular(TopPopularParams(share=0.5)), log).keep(Queries.of_histories(log))
    assert keep.shape == (1, 51)
    assert keep.nonzero()[:, 1].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"m: give either `n` or `share`, found neither\. E\.g\. n = 1000, or share = 0\.2"),
        (
            {"n": 3, "share": 0.5},
            r"m: give either `n` or `share`, found n = 3 and share = 0\.5\. E\.g\. n = 1000, or share = 0\.2",
        ),
        ({"n": 0}, r"m\.n: .* 1, found 0\."),
        ({"n": 3, "half_life": 0}, r"m\.half_life: .* 0, found 0\."),
    ],
)
def test_bad_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        validated(TopPopularParams, values, "m")
