"""The grammar of LightGBM's model text: the same trees, and a refusal of everything else before LightGBM reads it."""

import lightgbm
import numpy as np
import pytest
from shopzoo_gbdt.tree_text import rewrite_trees

FEATURES = 4


@pytest.fixture(scope="module")
def grown():
    """Return features with missing values and a booster that was trained on them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, FEATURES))
    features[rng.random(features.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(features[:, 0]) > 0).astype(int)
    data = lightgbm.Dataset(features, labels, group=[30] * 10)
    params = {"objective": "lambdarank", "num_leaves": 5, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    return features, lightgbm.train(params, data, 12)


def test_the_rewritten_trees_give_the_same_bits(grown):
    features, booster = grown
    again = lightgbm.Booster(model_str=rewrite_trees(booster.model_to_string(), FEATURES))
    assert again.num_trees() == 12
    assert again.predict(features).tobytes() == booster.predict(features).tobytes()


def test_infinite_features_and_thresholds(grown):
    features, _ = grown
    features = features.copy()
    features[::2, 0] = np.inf
    data = lightgbm.Dataset(features, [0, 1] * 150, group=[30] * 10)
    params = {"objective": "lambdarank", "num_leaves": 5, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(params, data, 3)
    again = lightgbm.Booster(model_str=rewrite_trees(booster.model_to_string(), FEATURES))
    assert again.predict(features).tobytes() == booster.predict(features).tobytes()


def test_a_text_without_trees_and_trees_of_one_leaf(grown):
    features, _ = grown
    data = lightgbm.Dataset(features[:4], [0, 1, 0, 1], group=[4])
    params = {"objective": "lambdarank", "min_data_in_leaf": 100, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(params, data, 2)
    again = lightgbm.Booster(model_str=rewrite_trees(booster.model_to_string(), FEATURES))
    assert again.predict(features).tobytes() == booster.predict(features).tobytes()


def replace_first(name, value):
    """Return a change of the first entry of a field of the first tree that has more than one leaf."""

    def change(text):
        head, mark, rest = text.partition(f"\n{name}=")
        _, _, more = rest.partition(" ")
        return f"{head}{mark}{value} {more}"

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replace_first("left_child", "2147483647"), "tree 0, left_child: expected integers from -5 to 3, found 2147483647"),
        (replace_first("right_child", "-9"), "tree 0, right_child: expected integers from -5 to 3, found -9"),
        (replace_first("left_child", "0"), "tree 0, left_child and right_child: expected each node and leaf below one earlier node"),
        (replace_first("split_feature", "4"), "tree 0, split_feature: expected integers from 0 to 3, found 4"),
        (replace_first("split_feature", "1.5"), "tree 0, split_feature: expected integers from 0 to 3, found 1.5"),
        (replace_first("threshold", "nan"), "tree 0, threshold: expected finite numbers, found 'nan'"),
        (replace_first("threshold", "1e999"), "tree 0, threshold: expected finite numbers, found '1e999'"),
        (replace_first("leaf_value", "0.1 0.1"), "tree 0, leaf_value: expected 5 numbers, found 6"),
        (replace_first("decision_type", "1"), "tree 0, decision_type: expected numeric splits only, found a categorical one"),
        (replace_first("decision_type", "99"), "tree 0, decision_type: expected integers from 0 to 11, found 99"),
        (lambda text: text.replace("num_leaves=5", "num_leaves=2147483647", 1), "tree 0, split_feature: expected 2,147,483,646 numbers, found 4"),
        (lambda text: text.replace("num_leaves=5", "num_leaves=0", 1), "tree 0, num_leaves: expected integers from 1 to 2,147,483,647, found 0"),
        (lambda text: text.replace("num_cat=0", "num_cat=3", 1), "tree 0, num_cat: expected 0, found 3"),
        (lambda text: text.replace("is_linear=0", "is_linear=1", 1), "tree 0, is_linear: expected 0, found 1"),
        (lambda text: text.replace("max_feature_idx=3", "max_feature_idx=300"), "max_feature_idx: expected 3 for 4 features, found 300"),
        (lambda text: text[: text.index("threshold=")], "tree 0, decision_type: expected 4 numbers, found 0"),
        (lambda text: text[: text.index("\nTree=3")], "expected 12 trees and the line 'end of trees', found 3 trees"),
        (lambda text: text.replace("\n\nTree=1", "", 1), "expected 12 trees and the line 'end of trees', found 11 trees"),
        (lambda text: "", "max_feature_idx: expected 3 for 4 features, found None"),
    ],
)  # fmt: skip
def test_altered_text_is_refused(grown, change, message):
    with pytest.raises(ValueError, match="expected") as error:
        rewrite_trees(change(grown[1].model_to_string()), FEATURES)
    assert str(error.value) == message
