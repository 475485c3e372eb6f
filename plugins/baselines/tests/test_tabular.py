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
        ({"numeric": ["brand"]}, r"column 'brand' is text, and not all of its values are numbers"),
        ({"categorical": ["brnd"]}, r"no column 'brnd'. Did you mean 'brand'\?"),
        (
            {"categorical": ["brand"], "min_items": 3},
            r"^tabular: no value of the catalogue's column 'brand' is shared by 3 known items \(2 values found\). "
            r"Lower `min_items`, or leave the column out.$",
        ),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_are_explained(fitted, params, message):
    with pytest.raises(DataError, match=message):
        features(fitted, **params)


EMPTY = r"^tabular: the catalogue's column '{}' has no value for any of the 3 items that occur in training. Remove the column, or fix the items file.$"


@pytest.mark.parametrize(
    "values", [pa.nulls(6), [None, None, None, None, "x", "y"], [None, "", " ", "", "x", "y"], [None] * 4 + [1, 2]]
)
@pytest.mark.parametrize("key", ["columns", "categorical"])
def test_a_column_that_is_empty_for_every_known_item_is_refused(fitted, key, values):
    catalogue = Catalogue(CATALOGUE.ids, TABLE.append_column("late", [values]))
    with pytest.raises(DataError, match=EMPTY.format("late")):
        fitted(Tabular(TabularParams(**{key: ["late"]})), LOG, catalogue)


def test_numbers_that_are_missing_for_every_known_item_are_refused(fitted):
    catalogue = Catalogue(CATALOGUE.ids, TABLE.append_column("late", [[None, "", None, "", "7", "8"]]))
    with pytest.raises(DataError, match=EMPTY.format("late")):
        fitted(Tabular(TabularParams(numeric=["price", "late"])), LOG, catalogue)


def test_columns_are_read_by_their_type(fitted):
    found = features(fitted, columns=["price", "brand", "size", "tags"], log=False)
    said = features(fitted, categorical=["brand", "tags"], numeric=["price", "size"], log=False)
    assert found.names == said.names
    assert found.names[-4:] == ("price", "price:missing", "size", "size:missing")
    assert torch.equal(found.values.to_dense(), said.values.to_dense())
    mixed = features(fitted, columns=["brand"], categorical=["size"])
    assert mixed.names == ("brand=ash", "brand=oak", "size=38", "size=40")


def test_new_items_of_a_file_of_texts_get_what_the_kinds_at_the_fit_say(fitted):
    model = fitted(Tabular(TabularParams(columns=["brand", "price"])), LOG, CATALOGUE)
    text = Catalogue(CATALOGUE.ids, TABLE.set_column(3, "price", TABLE["price"].cast(pa.string())))
    assert torch.equal(model.transform(text).values.to_dense(), model.transform(CATALOGUE).values.to_dense())


def test_without_any_column_named_it_takes_what_most_catalogues_have(fitted):
    catalogue = Catalogue(CATALOGUE.ids, TABLE.append_column("category", [[None, "hat", "hat", "bag", "bag", "bag"]]))
    model = fitted(Tabular(TabularParams()), LOG, catalogue)
    assert model.transform(catalogue).names == (
        "category=bag", "category=hat", "brand=ash", "brand=oak", "price", "price:missing",
    )  # fmt: skip
    assert features(fitted).names == ("brand=ash", "brand=oak", "price", "price:missing")  # as far as there are any
    bare = Catalogue(CATALOGUE.ids, TABLE.select(["size"]))
    with pytest.raises(
        DataError, match=r"none of category, brand, price\. Its columns: size\. Name columns in `columns`\.$"
    ):
        fitted(Tabular(TabularParams()), LOG, bare)


def test_what_is_rare_or_new_shares_a_feature_where_that_is_asked_for(fitted):
    found = features(fitted, columns=["brand"], min_items=2, other=True)
    assert found.names == ("brand=ash", "brand:other")
    assert found.values.to_dense().tolist() == [[0, 0], [1, 0], [0, 1], [1, 0], [0, 1], [0, 0]]
    assert features(fitted, columns=["tags"], min_items=9, other=True).names == ("tags:other",)


def test_the_values_equal_those_of_sklearn(fitted):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    dense = features(fitted, columns=["brand", "price"], log=False).values.to_dense()[1:].numpy()
    brands = np.array([["ash"], ["oak"], ["ash"], ["elm"], ["none"]])
    one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore").fit(brands[:3]).transform(brands).toarray()
    prices = np.array([[9.0], [1.0], [np.nan], [1e6], [-3.0]])
    scaled = np.nan_to_num(preprocessing.StandardScaler().fit(prices[:3]).transform(prices))
    np.testing.assert_allclose(dense, np.hstack([one_hot, scaled, np.isnan(prices)]), rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"columns": ["brand"], "categorical": ["brand"]}, r"^m: 'brand' is named twice among columns, categorical and numeric: remove it from one of them$"),
        ({"other": True}, r"^m: other = true needs min_items of 2 or more, found 1: no training item would have the shared feature, so a model "
         r"could not learn from it$"),
        ({"min_items": 0}, r"^m\.min_items: "),
    ],
)  # fmt: skip
def test_bad_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(TabularParams, values, "m")
