import numpy as np
import pytest
import torch
from shopzoo_mf.als import ALS
from shopzoo_mf.filters import ItemItemMFFilter, UserItemMF
from shopzoo_mf.item_item_mf import ItemItemMF
from shopzoo_mf.params import ALSParams, ItemItemMFFilterParams, ItemItemMFParams, UserItemMFParams

from zoo.api import ConfigError, Interactions, Queries
from zoo.params import validated

KINDS = {"user-item-mf": (UserItemMF, UserItemMFParams), "item-item-mf": (ItemItemMFFilter, ItemItemMFFilterParams)}


@pytest.fixture(params=KINDS, scope="module")
def make(request):
    """Return a function that builds one of the two filters."""
    component, params = KINDS[request.param]
    return lambda **values: component(params(factors=4, **values))


@pytest.mark.parametrize(("values", "n"), [({"n": 7}, 7), ({"share": 0.25}, 8), ({"n": 500}, 30), ({"share": 1.0}, 30)])
def test_keeps_so_many_items_for_every_query_and_none_that_is_unknown(clustered, fitted, make, values, n):
    kept = fitted(make(**values), clustered).keep(Queries.of_histories(clustered))
    assert kept.shape == (60, 33)
    assert kept.dtype == torch.bool
    assert (kept.sum(1) == n).all()
    assert not kept[:, [0, 31, 32]].any()


def test_keeps_the_best(clustered, fitted):
    queries = Queries.of_histories(clustered)
    for item_filter, predictor in (
        (UserItemMF(UserItemMFParams(factors=4, n=5)), ALS(ALSParams(factors=4))),
        (ItemItemMFFilter(ItemItemMFFilterParams(factors=4, n=5)), ItemItemMF(ItemItemMFParams(factors=4))),
    ):
        scores = fitted(predictor, clustered).score(queries)[:, 1:31]
        kept = fitted(item_filter, clustered).keep(queries)[:, 1:31]
        worst_kept = scores.masked_fill(~kept, torch.inf).amin(1)
        best_left = scores.masked_fill(kept, -torch.inf).amax(1)
        assert (worst_kept >= best_left).all()


def test_without_a_history_all_training_items_are_kept(clustered, fitted, make):
    nobody = Interactions.from_arrays(np.zeros(0, int), np.zeros(0, int), n_items=32, n_users=1)
    kept = fitted(make(n=4), clustered).keep(Queries.of_histories(nobody))
    assert kept.nonzero()[:, 1].tolist() == np.flatnonzero(clustered.known).tolist()


def test_wants_a_number_or_a_share():
    for values, found in (({}, "neither"), ({"n": 3, "share": 0.5}, "n = 3 and share = 0.5")):
        with pytest.raises(ConfigError) as refused:
            validated(UserItemMFParams, values, "filters[1]")
        assert (
            str(refused.value) == f"filters[1]: give either `n` or `share`, found {found}. E.g. n = 500, or share = 0.2"
        )
