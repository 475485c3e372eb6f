"""New items are judged as if they had been there when the rule was fitted."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo import load
from zoo.api import Catalogue, Interactions, Queries, RunContext, TrainingData

RULES = [
    ("available", {}),
    ("available", {"in_stock": "stock"}),
    ("available", {"available_from": "released", "available_until": "retired"}),
    ("category", {"column": "category", "allow": ["shoes"]}),
    ("category", {"column": "tags", "deny": ["new"]}),
    ("category", {"column": "tags", "like_last": 2}),
    ("category", {"column": "category", "like_last": 1}),
    ("price-band", {"min": 15, "max": 35}),
    ("price-band", {"quantiles": (0.2, 0.8), "unpriced": "keep"}),
    ("allow-list", {"ids": ["a", "d"], "missing": "ignore"}),
    ("deny-list", {"ids": ["b", "e"], "missing": "ignore"}),
]


def data(catalogue):
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 3]), n_items=len(catalogue) - 1, n_users=2)
    return TrainingData.of(log, catalogue)


@pytest.mark.parametrize(("name", "params"), RULES, ids=lambda v: "-".join(v) if isinstance(v, dict) else v)
def test_a_rule_that_grows_keeps_what_one_fitted_on_all_items_keeps(shop, name, params):
    old = Catalogue(shop.ids[:4], shop.table[:4])
    new = Catalogue(pa.concat_arrays([shop.ids[:1], shop.ids[4:]]), pa.concat_tables([shop.table[:1], shop.table[4:]]))
    whole, grown = load(name, "filter", **params), load(name, "filter", **params)
    whole.fit(data(shop), RunContext())
    grown.fit(data(old), RunContext())
    grown.add_items(new)
    again = load(name, "filter", **params)
    again.load_state(grown.state())
    users, items = np.array([0, 0, 1, 2, 3]), np.array([1, 4, 5, 2, 6])
    log = Interactions.from_arrays(users, items, n_items=6, n_users=5)
    queries = Queries.of_histories(log)
    for now in (0, 150, 350):
        asked = Queries(log, queries.row, queries.end, np.full(len(queries), now), queries.users)
        expected = whole.keep(asked)[:, 1:]
        assert torch.equal(grown.keep(asked)[:, 1:], expected)
        assert torch.equal(again.keep(asked)[:, 1:], expected)
