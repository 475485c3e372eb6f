"""The built-in shop with planted faults."""

import numpy as np
import pyarrow as pa
import pytest
import shopzoo_cleaning

import zoo
from zoo.api import Catalogue, Interactions, UncleanLog

CORE = ("user", "item", "time", "event")
SPECS = {spec.name: spec for spec in shopzoo_cleaning.zoo_components()}


@pytest.fixture(scope="session")
def shop():
    """Return the columns of the built-in shop: user, item, time, purchase or not, and further columns."""
    table = zoo.load("synthetic-shop", customers=400, items=300, events=20_000, seed=5).read().interactions
    users, items = (table[name].combine_chunks().dictionary_decode().to_pylist() for name in ("user_id", "item_id"))
    return {
        "user": np.unique(users, return_inverse=True)[1],
        "item": np.unique(items, return_inverse=True)[1] + 1,
        "time": table["timestamp"].to_numpy(),
        "event": (table["quantity"].to_numpy() > 0).astype(np.int64),
        "quantity": table["quantity"].to_numpy(),
        "price": table["price"].to_numpy(),
        "visit": table["session_id"].to_numpy(),
    }


@pytest.fixture(scope="session")
def goods(shop):
    """Return the catalogue of the built-in shop."""
    tables = zoo.load("synthetic-shop", customers=400, items=300, events=20_000, seed=5).read()
    sold = np.unique(tables.interactions["item_id"].combine_chunks().dictionary_decode().to_pylist())
    ids = tables.items["item_id"].to_pylist()
    rows = pa.array([None, *(ids.index(item) for item in sold)])
    return Catalogue(pa.array([None, *sold], pa.string()), tables.items.drop_columns(["item_id"]).take(rows))


@pytest.fixture(scope="session")
def planted():
    """Return a function that adds rows to columns; a column `planted` of the log marks them."""

    def add(columns, **rows):
        n = len(rows["user"])
        both = {
            name: np.concatenate([column, rows.get(name, np.zeros(n, np.int64))]) for name, column in columns.items()
        }
        marks = np.arange(len(both["user"])) >= len(columns["user"])
        log = Interactions.from_arrays(
            both["user"], both["item"], both["time"], events=both["event"], event_names=("view", "purchase"),
            source=pa.table({**{name: both[name] for name in columns if name not in CORE}, "planted": marks}),
        )  # fmt: skip
        return UncleanLog(log, Catalogue.bare(log.n_items), pa.array([str(u) for u in range(log.n_users)]))

    return add


@pytest.fixture(scope="session")
def clean():
    """Return a function that asks a cleaner: the events of each reason, `[N]` bool."""

    def ask(name, data, **params):
        spec = SPECS[name]
        module, _, target = spec.target.partition(":")
        cleaner = getattr(__import__(module, fromlist=[target]), target)(spec.params(**params))
        return cleaner.clean(data)

    return ask


@pytest.fixture(scope="session")
def quality():
    """Return a function that gives recall and precision of all flags, against the planted events."""

    def of(found, data, truth=None):
        truth = data.log.column("planted").to_numpy() if truth is None else truth
        flagged = np.logical_or.reduce([flag.events for flag in found.flags])
        hits = np.count_nonzero(flagged & truth)
        return hits / max(np.count_nonzero(truth), 1), hits / max(np.count_nonzero(flagged), 1)

    return of
