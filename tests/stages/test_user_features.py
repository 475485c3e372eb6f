"""Features from the user table, each against a loop over users and items."""

import math

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.user_table import UserTable
from zoo.errors import DataError
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.candidates import Candidates
from zoo.stages.stage import State, TrainingData
from zoo.stages.state_schema import check_state
from zoo.stages.user_columns import UserColumns
from zoo.stages.user_features import SMOOTHING

AGES = [None, 20, 30, 60, None, 70]
CITIES = [None, "Graz", "Bern", "Graz", "Wien", None]
HOBBIES = [None, ["a", "b"], ["b"], [], ["a"], None]
EVENTS = [(1, 1), (1, 2), (1, 2), (2, 1), (3, 3), (3, 1), (4, 2), (4, 3)]  # (user number, item); user 5 has no event
N_ITEMS, N_USERS = 4, 5


def users(**columns):
    given = {"age": AGES, "city": CITIES, "hobbies": HOBBIES, **columns}
    return UserTable(pa.array([None, *map(str, range(1, N_USERS + 1))]), pa.table(given))


LOG = Interactions.from_arrays(
    np.array([u - 1 for u, _ in EVENTS]), np.array([i for _, i in EVENTS]), n_items=N_ITEMS, n_users=N_USERS
)
ITEMS = torch.tensor([[1, 2, 3, 4]] * 6)


def fitted(*names, table=None, **params):
    features = CandidateFeatures(CandidateFeatureSettings(groups=["popularity"], user_columns=list(names), **params))
    features.fit(TrainingData.of(LOG, user_columns=UserColumns.of(table or users(), names)))
    return features


def values_of(features, *names, table=None):
    """Return each feature of candidates 1 to 4 for the users 0 to 5."""
    queries = Queries.of_histories(LOG)
    at = np.array([0, 0, 1, 2, 3, 4])
    queries = Queries(LOG, at, LOG.offsets[at + 1], queries.now[at], np.arange(6))
    found = Candidates(ITEMS, torch.zeros(6, 4), torch.zeros(6, dtype=torch.bool))
    values, columns = features.of(queries, found, None, None, UserColumns.of(table or users(), names))
    return {name: values[..., at].numpy() for at, name in enumerate(columns)}


def takers(item):
    return {user for user, taken in EVENTS if taken == item}


def test_numbers():
    found = values_of(fitted("age"), "age")
    assert list(found) == ["user-age", "user-age-gap", "popularity"]
    mean = (20 + 30 + 60) / 3
    for user in range(6):
        age = AGES[user]
        for item in range(1, 5):
            of_item = [AGES[u] for u in takers(item) if AGES[u] is not None]
            smoothed = (sum(of_item) + SMOOTHING * mean) / (len(of_item) + SMOOTHING)
            assert found["user-age"][user, item - 1] == pytest.approx(mean if age is None else age)
            assert found["user-age-gap"][user, item - 1] == pytest.approx(
                0 if age is None else age - smoothed, rel=1e-5
            )


@pytest.mark.parametrize(("name", "column"), [("city", CITIES), ("hobbies", HOBBIES)])
def test_categories(name, column):
    found = values_of(fitted(name), name)
    of_user = [v if isinstance(v, list) else [] if v is None else [v] for v in column]
    named = sorted({value for user in range(1, 5) for value in of_user[user]})
    assert list(found) == [*(f"user-{name}={value}" for value in named), f"user-{name}-lift", "popularity"]
    pairs = {(i, v): sum(v in of_user[u] for u in takers(i)) for i in range(1, 5) for v in named}
    share = {v: sum(pairs[i, v] for i in range(1, 5)) / sum(pairs.values()) for v in named}
    for user in range(6):
        for item in range(1, 5):
            total = sum(pairs[item, v] for v in named)
            lifts = [
                math.log((pairs[item, v] + SMOOTHING * share[v]) / (total + SMOOTHING)) - math.log(share[v])
                for v in named
                if v in of_user[user]
            ]
            expected = sum(lifts) / len(lifts) if lifts else 0
            assert found[f"user-{name}-lift"][user, item - 1] == pytest.approx(expected, abs=1e-6)
        assert [found[f"user-{name}={v}"][user, 0] for v in named] == [float(v in of_user[user]) for v in named]


def test_texts_that_are_all_numbers_are_numbers_and_booleans_are_categories():
    table = users(age=[None, "20", "30", "60", None, "70"], city=[None, True, False, True, None, None])
    assert values_of(fitted("age", table=table), "age", table=table)["user-age"][1, 0] == 20
    assert "user-city=true" in values_of(fitted("city", table=table), "city", table=table)


def test_only_the_most_frequent_values_have_features(monkeypatch):
    monkeypatch.setattr("zoo.stages.user_features.MOST_VALUES", 1)
    assert list(values_of(fitted("city"), "city"))[:2] == ["user-city=Graz", "user-city-lift"]


def test_a_column_without_values_is_refused():
    empty = users(age=pa.nulls(6, pa.int64()), city=[None] * 5 + ["Rom"])  # only a user without events has a city
    for name in ("age", "city"):
        with pytest.raises(DataError) as error:
            fitted(name, table=empty)
        assert str(error.value) == (
            f"candidate_features.user_columns: the user table's column {name!r} has no value for any user with an event in "
            "training. Leave the column out, or correct the users file."
        )


def test_the_state_is_restored_and_fits_its_schema():
    names = ("age", "city", "hobbies")
    features = fitted(*names)
    state = features.state()
    check_state(features.state_schema(), state.tensors, state.values, {"I": N_ITEMS + 1})
    again = CandidateFeatures(features.params)
    again.load_state(state.copy())
    expected = values_of(features, *names)
    assert all(np.array_equal(values, expected[name]) for name, values in values_of(again, *names).items())
    wrong = state.copy()
    wrong.values["user-categories"]["city"].append("Rom")
    with pytest.raises(ValueError, match="lifts of 'city': expected 4 columns, found 3"):
        CandidateFeatures(features.params).load_state(State(wrong.tensors, wrong.values))


def test_without_user_columns_nothing_is_stored():
    features = fitted()
    assert not [name for name in (*features.state().tensors, *features.state().values) if name.startswith("user")]
    assert "user_columns" not in features.params.model_dump(mode="json")


def test_new_items_have_no_users():
    features = fitted("age", "city")
    more = features.of_users.followed_by(2)
    assert more.item_means["age"][-2:].tolist() == pytest.approx([more.means["age"]] * 2)
    assert more.lifts["city"][-2:].abs().sum() == 0
