import numpy as np
import pyarrow as pa
import pytest
import torch
from shopzoo_baselines.params import TabularParams
from shopzoo_baselines.tabular import Tabular

from zoo.api import Catalogue, ConfigError, DataError, Interactions
from zoo.params import validated

TABLE = pa.table(
    {
        "brand": [None, "ash", "oak", "ash", "elm", None],
        "tags": pa.array([None, ["a", "b", "a"], ["b"], [], ["c"], None], pa.list_(pa.string())),
        "size": [None, 38, 40, 38, 44, None],
        "price": [None, 9.0, 1.0, None, 1e6, -3.0],
        "stats": [None, {"x": 1}, {"x": 1}, {"x": 1}, {"x": 1}, None],
    }
)
CATALOGUE = Catalogue(pa.array([None, "1", "2", "3", "4", "5"]), TABLE)
LOG = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 3]), n_items=5)  # items 4 and 5 are cold


def features(fitted, **params):
    model = fitted(Tabular(TabularParams(**params)), LOG, CATALOGUE)
    found = model.transform(CATALOGUE)
    again = Tabular(model.params)
    again.load_state(model.state())
    assert torch.equal(again.transform(CATALOGUE).values.to_dense(), found.values.to_dense())
    return found


def test_categories_of_known_items_become_columns_and_others_zeros(fitted):
    found = features(fitted, categorical=["brand", "tags", "size"])
    assert found.is_sparse
    assert found.names == ("brand=ash", "brand=oak", "tags=a", "tags=b", "size=38", "size=40")
    assert found.values.to_dense().tolist() == [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 1, 1, 1, 0],
        [0, 1, 0, 1, 0, 1],
        [1, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0],  # a new item of a new brand, tag and size
        [0, 0, 0, 0, 0, 0],
    ]


def test_numbers_are_standardised_by_known_items_and_say_where_they_are_missing(fitted):
    found = features(fitted, numeric=["price"])
    assert not found.is_sparse
    assert found.names == ("price", "price:missing")
    logs = np.log1p([9.0, 1.0])
    z = lambda x: (np.sign(x) * np.log1p(abs(x)) - logs.mean()) / logs.std()  # noqa: E731
    expected = [[0, 0], [z(9.0), 0], [z(1.0), 0], [0, 1], [z(1e6), 0], [z(-3.0), 0]]
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)
    plain = features(fitted, numeric=["price"], log=False).values
    np.testing.assert_allclose(plain[:3, 0], [0, 1, -1], rtol=1e-5)


def test_both_kinds_stand_side_by_side(fitted):
    found = features(fitted, categorical=["brand"], numeric=["price"])
    assert found.names == ("brand=ash", "brand=oak", "price", "price:missing")
    assert found.values.to_dense()[3].tolist() == [1, 0, 0, 1]


def test_rare_values_get_no_column(fitted):
    assert features(fitted, categorical=["tags", "size"], min_items=2).names == ("tags=b", "size=38")


def test_a_constant_column_is_zero(fitted):
    log = Interactions.from_arrays(np.array([0]), np.array([1]), n_items=5)
    model = fitted(Tabular(TabularParams(numeric=["price"])), log, CATALOGUE)
    assert model.transform(CATALOGUE).values[1].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"categorical": ["stats"]}, r"column 'stats' is struct<x: int64>, expected text, numbers, booleans or lists of them: choose another column"),
        ({"numeric": ["brand"]}, r"column 'brand' is text, not all of it numbers"),
        ({"categorical": ["brnd"]}, r"no column 'brnd'. Did you mean 'brand'\?"),
        (
            {"categorical": ["brand"], "min_items": 3},
            r"^tabular: no value of the catalogue's column 'brand' is shared by 3 known items \(2 values found\). "
            r"Lower `min_items`, or leave the column out of `categorical`.$",
        ),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_are_explained(fitted, params, message):
    with pytest.raises(DataError, match=message):
        features(fitted, **params)


def test_no_column_at_all_is_refused():
    with pytest.raises(
        ConfigError, match=r'^m: name at least one column, e.g. categorical = \["brand"\] or numeric = \["price"\]$'
    ):
        validated(TabularParams, {}, "m")
