"""A shop of six items, and a function that fits a rule on it and asks it."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from zoo.api import Catalogue, Interactions, Queries, RunContext, TrainingData

TABLE = pa.table(
    {
        # item           0     1        2        3              4     5       6 (not in the catalogue's file)
        "category": [None, "shoes", "shoes", "hats", "bags", "hats", None],
        "tags": pa.array([None, ["red"], ["red", "new"], ["new"], [], None, None], pa.list_(pa.string())),
        "size": [None, 38, 40, 38, None, None, None],
        "price": [None, 10.0, 20.0, 30.0, 40.0, None, None],
        "in_stock": [None, True, False, True, None, True, None],
        "stock": [None, 3, 0, 1, None, 1, None],
        "released": [None, 100, 200, None, 300, 100, None],
        "retired": [None, 200, None, None, 400, 100, None],
        "day": pa.array([None, date(1970, 1, 2), date(1970, 1, 3), None, None, None, None]),
        "stock_text": [None, "3", "0", "1", None, "1", None],
        "in_stock_text": [None, "true", "False", "true", None, "TRUE", None],
        "released_text": [None, "100", "200", None, "300", "100", None],
        "moment_text": [None, "1970-01-01 00:00:01", *[None] * 5],
        "zoned_text": [None, "1970-01-01T01:00:01+01:00", *[None] * 5],
        "moment": pa.array(
            [None, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), *[None] * 5], pa.timestamp("us", "Europe/Paris")
        ),
    }
)
CATALOGUE = Catalogue(pa.array([None, "a", "b", "007", "d", "e", "f"]), TABLE)


@pytest.fixture(scope="session")
def kept():
    """Return a function that fits a rule and gives the items it keeps for each query, a list a query.

    A query is its history; `now` is the moment of all of them.
    """

    def ask(rule, *histories, now=0, catalogue=CATALOGUE):
        users = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
        items = np.array([i for h in histories for i in h], np.int64)
        log = Interactions.from_arrays(users, items, n_items=6, n_users=len(histories))
        queries = Queries.of_histories(log)
        queries = Queries(log, queries.row, queries.end, np.full(len(queries), now), queries.users)
        rule.fit(TrainingData.of(log, catalogue), RunContext())
        again = type(rule)(rule.params)
        again.load_state(rule.state())
        answer = again.keep(queries)
        assert answer.shape[0] in (1, len(queries))
        for b in range(len(queries)):
            assert (again.keep(queries[b : b + 1]) == answer[min(b, len(answer) - 1)]).all()
        return [np.flatnonzero(row[1:]).__add__(1).tolist() for row in answer.expand(len(queries), -1).numpy()]

    return ask


@pytest.fixture(scope="session")
def shop():
    """Return the catalogue."""
    return CATALOGUE
