import json
from dataclasses import replace
from itertools import permutations

import lightgbm
import numpy as np
import pytest
import torch
from shopzoo_gbdt.lambdamart import LambdaMART
from shopzoo_gbdt.params import LambdaMARTParams

from zoo.api import DataError, NotFittedError, RankingData, RunContext, ScoreError, Trained, TrainingError
from zoo.nn import list_ndcg

COLUMNS = ("likeness", "price", "noise")
FEW = {"leaves": 8, "min_data": 5, "truncation": 12}


def lists_of(n, seed=0, noise=0.3, missing=0.2):
    """Return lists of two to nine candidates, graded 0 to 2 by a product of two features, of which some are missing."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 10, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    features = rng.normal(size=(offsets[-1], 3)).astype(np.float32)
    worth = features[:, 0] * features[:, 1] + noise * rng.normal(size=len(features))
    features[rng.random(features.shape) < missing] = np.nan
    return RankingData(
        offsets, torch.arange(1, len(features) + 1), torch.zeros(len(features)), torch.from_numpy(features),
        torch.from_numpy(np.digitize(worth, [0.3, 1.0]).astype(np.float32)), COLUMNS, None, np.ones(n, np.bool_),
    )  # fmt: skip


def directly(data, trees, chosen=None, patience=None, **params):
    """Return the trees that LightGBM grows without the zoo."""
    settings = {
        "objective": "lambdarank", "verbosity": -1, "metric": "ndcg", "eval_at": [10], "learning_rate": 0.05,
        "num_leaves": 8, "min_data_in_leaf": 5, "lambdarank_truncation_level": 12, "deterministic": True,
        "force_row_wise": True, **params,
    }  # fmt: skip
    read = lightgbm.Dataset(data.features.numpy(), data.labels.numpy(), group=data.lengths)
    valid = (
        []
        if chosen is None
        else [read.create_valid(chosen.features.numpy(), chosen.labels.numpy(), group=chosen.lengths)]
    )
    stop = [lightgbm.early_stopping(patience, verbose=False)] if patience else []
    return lightgbm.train(settings, read, trees, valid_sets=valid, callbacks=stop)


def fitted(data, context=None, **params):
    ranker = LambdaMART(LambdaMARTParams(**FEW, **params))
    ranker.fit(data, context or RunContext())
    return ranker


def flat(ranker, data):
    lists = data.lists()
    return ranker.score(lists)[lists.mask].numpy()


def quality(ranker, data):
    lists = data.where(data.decided).lists()
    return float(list_ndcg(ranker.score(lists), lists.labels, lists.mask, 10).mean())


def test_it_is_lightgbm_on_the_lists_that_teach_an_order():
    data, asked = lists_of(80), lists_of(30, seed=1)
    ranker = fitted(data, RunContext(epochs=25))
    expected = directly(data.where(data.decided), 25).predict(asked.features.numpy())
    assert not data.decided.all()
    assert ranker.trained.epochs == 25
    assert np.array_equal(flat(ranker, asked), expected.astype(np.float32))


def test_validation_lists_choose_the_number_of_trees():
    data, chosen = lists_of(60), lists_of(40, seed=2)
    ranker = fitted(replace(data, validation=chosen), trees=300, patience=5)
    expected = directly(data.where(data.decided), 300, chosen.where(chosen.decided), 5)
    assert (
        1 < ranker.trained.epochs == expected.best_iteration < len(ranker.trained.history) == ranker.trained.epochs + 5
    )
    assert ranker.trained.stopped == "patience"
    best = max(ranker.trained.history, key=lambda at: at["value"])
    assert (best["epoch"], best["value"]) == (ranker.trained.epochs, expected.best_score["valid_0"]["ndcg@10"])
    assert np.array_equal(flat(ranker, chosen), expected.predict(chosen.features.numpy()).astype(np.float32))


def test_without_them_lists_held_out_choose_and_then_all_are_learned_from():
    data = lists_of(200)
    ranker = fitted(data, trees=300, patience=5)
    assert len(ranker.trained.history) == ranker.trained.epochs + 5
    expected = directly(data.where(data.decided), ranker.trained.epochs).predict(data.features.numpy())
    assert np.array_equal(flat(ranker, data), expected.astype(np.float32))
    assert fitted(data, RunContext(seed=1), trees=300, patience=5).trained.history != ranker.trained.history


def test_few_lists_are_all_learned_from():
    ranker = fitted(lists_of(30), trees=40)
    assert ranker.trained == Trained(40)


def test_it_learns_what_no_single_feature_tells(training_seed, assert_learned):
    ranker = fitted(lists_of(600, missing=0.0), RunContext(training_seed, epochs=100))
    asked = lists_of(200, seed=3, missing=0.0)
    by_one = [
        float(list_ndcg(lists.features[..., 0] * sign, lists.labels, lists.mask, 10).mean())
        for lists in [asked.where(asked.decided).lists()]
        for sign in (1, -1)
    ]
    assert max(by_one) < 0.8
    assert_learned(quality(ranker, asked), above=0.9)


def test_that_a_value_is_missing_or_infinite_tells_something(training_seed, assert_learned):
    data = lists_of(200, missing=0.0)
    for hint in (torch.nan, torch.inf):
        features = data.features.clone()
        features[data.labels > 0, 2] = hint
        known = replace(data, features=features)
        assert_learned(quality(fitted(known, RunContext(training_seed, epochs=30)), known), above=0.95, of=str(hint))


def test_what_was_saved_answers_alike_and_threads_change_nothing():
    data = lists_of(60)
    ranker = fitted(data, RunContext(epochs=30), feature_fraction=0.7)
    state = ranker.state()
    assert not state.tensors
    loaded = LambdaMART(ranker.params)
    loaded.load_state(replace(state, values=json.loads(json.dumps(state.values))))
    assert np.array_equal(flat(loaded, data), flat(ranker, data))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads % 2 + 1)
        again = fitted(data, RunContext(epochs=30), feature_fraction=0.7)
        assert np.array_equal(flat(again, data), flat(ranker, data))
    finally:
        torch.set_num_threads(threads)


def test_features_that_never_vary_teach_nothing():
    data = lists_of(30)
    ranker = fitted(replace(data, features=torch.ones(len(data.items), 3)))
    assert np.unique(flat(ranker, data)).size == 1


def test_lists_of_nothing_are_scored():
    assert fitted(lists_of(30)).score(lists_of(30).lists(np.zeros(0, np.int64))).shape == (0, 1)


@pytest.mark.parametrize(("label", "shown"), [(31.0, "31"), (-1.0, "-1"), (0.5, "0.5"), (float("nan"), "nan")])
def test_labels_that_are_no_grades_are_named(label, shown):
    data = lists_of(30)
    data.labels[data.offsets[4]] = label
    expected = rf"^LambdaMART: the label {shown} \(list 5 of 30\): expected whole numbers from 0 to 30, as a label of n"
    with pytest.raises(DataError, match=expected):
        fitted(data)
    labelled = np.arange(30) != 4
    assert fitted(replace(data, labelled=labelled)).trained.epochs == 100


def test_lists_without_an_order_are_an_error():
    data = lists_of(30)
    with pytest.raises(
        TrainingError, match=r"^LambdaMART: none of 30 lists is informative: all labels within each list"
    ):
        fitted(replace(data, labels=torch.zeros(len(data.items))))


def test_what_lightgbm_refuses_is_told_in_its_words():
    n = 10_001
    data = replace(
        lists_of(1), offsets=np.array([0, n]), items=torch.arange(1, n + 1), scores=torch.zeros(n),
        features=torch.zeros(n, 3), labels=torch.arange(n) % 2.0,
    )  # fmt: skip
    with pytest.raises(
        TrainingError, match=r"LightGBM refuses 1 lists with 3 features: .*exceeds upper limit of 10000"
    ):
        fitted(data)


def test_other_features_than_those_of_the_fit_are_an_error():
    ranker, lists = fitted(lists_of(30)), replace(lists_of(30).lists(), columns=("price", "likeness", "noise"))
    with pytest.raises(
        ScoreError,
        match=r"^LambdaMART was fitted on the ranking features likeness, price, noise, and the lists have price, likeness,",
    ):
        ranker.score(lists)
    with pytest.raises(NotFittedError, match="LambdaMART is not fitted"):
        LambdaMART(LambdaMARTParams()).score(lists)


def test_contributions_are_shapley_values_of_the_trees():
    """Against the definition: all orders of the features, where an absent feature takes both branches by their counts."""
    data = lists_of(60)
    ranker = fitted(data, replace(RunContext(), epochs=4))
    lists = data.where(np.arange(60) < 3).lists()
    found = ranker.contributions(lists)
    assert found.shape == lists.features.shape
    trees = [tree["tree_structure"] for tree in ranker._booster.dump_model()["tree_info"]]

    def expected(node, row, known):
        if "leaf_value" in node:
            return node["leaf_value"]
        left, right = node["left_child"], node["right_child"]
        feature = node["split_feature"]
        if feature not in known:
            sizes = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
            return np.dot(sizes, [expected(child, row, known) for child in (left, right)]) / sum(sizes)
        goes_left = node["default_left"] if np.isnan(row[feature]) else row[feature] <= node["threshold"]
        return expected(left if goes_left else right, row, known)

    for row, parts in zip(lists.features[lists.mask].double().numpy(), found[lists.mask].numpy(), strict=True):
        shapley = np.zeros(3)
        for order in permutations(range(3)):
            for at, feature in enumerate(order):
                with_it, without = ({*order[: at + 1]}, {*order[:at]})
                shapley[feature] += (
                    sum(expected(tree, row, with_it) - expected(tree, row, without) for tree in trees) / 6
                )
        np.testing.assert_allclose(parts, shapley, rtol=1e-4, atol=1e-6)
