"""What becomes of an experiment file: names are components, and every default is written out."""

import pytest

from zoo.config.experiment import MetricChoice
from zoo.config.resolved_base import digest


def test_every_default_is_filled_in(resolve):
    plain = resolve().as_json()
    assert plain["data"]["source"] == {"name": "testing/shop"}
    assert plain["data"]["k_core"] == {"user": 1, "item": 1}
    assert plain["split"] == {
        "policy": "temporal", "unit": "event", "cuts": [0.8, 0.9], "targets": "all", "cold_items": 0.0, "seed": 0,
    }  # fmt: skip
    assert plain["evaluate"]["metrics"][0] == {"name": "testing/ndcg", "k": 10}
    assert plain["train"]["seeds"] == [0]
    assert plain["model"] == [
        {
            "label": "item-knn",
            "predictor": {"name": "testing/item-knn", "k": 100, "shrinkage": 0.0},
            "featurizers": [],
            "filters": [],
            "rankers": [],
        }
    ]


def test_one_component_may_stand_where_a_list_is_expected(resolve):
    model = {"predictor": "content", "featurizer": "tf-idf", "filters": {"name": "available"}, "rankers": "mmr"}
    assert [part.name for part in resolve(model=[model]).models[0].parts] == ["content", "tf-idf", "available", "mmr"]


def test_a_model_is_called_by_its_label_or_its_predictor(resolve):
    models = [{"predictor": "item-knn"}, {"label": "wide", "predictor": {"name": "item-knn", "k": 500}}]
    assert [m.label for m in resolve(model=models).models] == ["item-knn", "wide"]


def test_the_label_is_no_part_of_what_a_model_is(resolve):
    a, b = resolve(model=[{"label": x, "predictor": "item-knn"} for x in ("a", "b")]).models
    assert a.as_json() == b.as_json()


def test_a_default_that_is_written_out_changes_no_hash(resolve):
    short = resolve(model=[{"predictor": "item-knn"}])
    long = resolve(
        model=[{"predictor": {"name": "testing/item-knn", "k": 100, "shrinkage": 0}}], split={"cuts": [0.8, 0.9]}
    )
    other = resolve(model=[{"predictor": {"name": "item-knn", "k": 101}}])
    assert digest(short.as_json()["model"][0]["predictor"]) == digest(long.as_json()["model"][0]["predictor"])
    assert digest(short.as_json()) != digest(other.as_json())


@pytest.mark.parametrize(
    ("written", "name", "k"), [("ndcg@10", "ndcg", 10), ("ndcg@5", "ndcg", 5), ({"name": "mrr", "k": 3}, "mrr", 3)]
)
def test_a_metric_is_named_with_its_cutoff(resolve, written, name, k):
    metric = resolve(evaluate={"metrics": [written]}).metrics[0]
    assert (metric.name, metric.params.k) == (name, k)


def test_a_metric_without_a_cutoff_has_none():
    assert MetricChoice.model_validate("coverage").params == {}


def test_a_model_is_deterministic_if_all_its_parts_are(resolve):
    models = resolve(model=[{"predictor": "item-knn"}, {"predictor": "seeded"}]).models
    assert [m.deterministic for m in models] == [True, False]


@pytest.mark.parametrize(("policy", "keys"), [
    ("temporal", {"cuts", "targets"}),
    ("leave-last-out", {"validation", "rank", "targets"}),
    ("strong-generalisation", {"validate_users", "test_users", "history", "seed"}),
    ("given", {"column", "train", "validate", "validate_share", "rank", "test", "targets"}),
])  # fmt: skip
def test_each_split_policy_has_its_own_keys(resolve, policy, keys):
    plain = resolve(split={"policy": policy}).as_json()["split"]
    assert (plain.pop("policy"), set(plain)) == (policy, keys | {"unit", "cold_items", "seed"})


def test_the_values_of_a_given_split_are_taken_by_their_public_name(resolve):
    plain = resolve(split={"policy": "given", "validate": ["dev"]}).as_json()
    assert plain["split"]["validate"] == ["dev"]


def test_a_model_may_train_its_networks_in_its_own_way(resolve):
    models = [{"label": x, "predictor": "epochs"} for x in ("a", "b")]
    models[1]["train"] = {"learning_rate": 0.01, "monitor": "recall@5"}
    a, b = resolve(model=models, train={"batch_size": 64, "patience": 3}).models
    assert (a.train.learning_rate, a.train.batch_size, a.train.patience) == (None, 64, 3)
    assert (b.train.learning_rate, b.train.batch_size, b.train.patience) == (0.01, 64, 3)
    assert [(m.monitor.name, m.monitor.params.k) for m in (a, b)] == [("ndcg", 10), ("recall", 5)]
    overridden = resolve("model.a.train.patience=7", model=models).models
    assert [m.train.patience for m in overridden] == [7, None]


def test_how_networks_are_trained_is_part_of_a_model_that_has_one_and_of_no_other(resolve):
    def hashes(rate):
        models = resolve(
            model=[{"predictor": "item-knn"}, {"predictor": "epochs"}], train={"learning_rate": rate}
        ).models
        return [digest(m.as_json()) for m in models]

    (knn, network), (same, other) = hashes(1e-3), hashes(1e-2)
    assert knn == same
    assert network != other
