"""`[tune]` and `[model.tune]`: what is searched, and what a user reads who wrote something wrong."""

import pytest

from zoo.config.json_schema import experiment_schema
from zoo.config.load import experiment_from
from zoo.config.model_space import value_in
from zoo.config.tuned_model import with_point
from zoo.errors import ConfigError
from zoo.registry.registry import Registry


@pytest.fixture(scope="module")
def installed():
    return Registry.discover()


@pytest.fixture
def load(installed):
    """Return a function that checks an experiment with the zoo's components."""

    def read(model, overrides=(), **tables):
        models = model if isinstance(model, list) else [model]
        raw = {"data": {"source": "synthetic-shop"}, "model": models, "tune": {"trials": 3}, **tables}
        return experiment_from(raw, registry=installed, overrides=overrides)

    return read


def spaces(experiment):
    return experiment.models[0].tuning.space.spaces


TWO_STAGES = {
    "predictor": {"name": "sasrec", "dim": 32},
    "featurizer": "text-cnn",
    "filters": [{"name": "user-item-mf", "n": 500}],
    "rankers": ["lambdamart", "neural-ranker", "mmr"],
    "train": {"learning_rate": 0.001},
}
RANK_PART = {"policy": "temporal", "cuts": [0.7, 0.8, 0.9]}


def test_the_space_of_a_pipeline_is_the_union_of_its_parts(load):
    found = spaces(load(TWO_STAGES, split=RANK_PART))
    starts = {name.rpartition(".")[0] for name in found}
    assert starts == {
        "predictor", "featurizer.text-cnn", "filters.user-item-mf", "rankers.lambdamart", "rankers.neural-ranker",
        "rankers.mmr", "train", "ranker_train",
    }  # fmt: skip
    assert "predictor.dim" not in found  # the file sets it
    assert "train.learning_rate" not in found
    assert "ranker_train.learning_rate" in found


def test_a_point_becomes_a_model_again(load):
    model = load(TWO_STAGES, split=RANK_PART).models[0]
    point = model.tuning.space.first_point()
    again = with_point(model, point)
    assert again.tuning is None
    assert again.as_json() == model.as_json()
    changed = with_point(
        model, {**point, "rankers.mmr.relevance": 0.5, "train.weight_decay": 0.1, "ranker_train.batch_size": 64}
    )
    assert changed.rankers[2].params.relevance == 0.5
    assert changed.train.weight_decay == 0.1
    assert changed.ranker_train.batch_size == 64
    assert changed.predictor == model.predictor


def test_two_components_of_one_name_have_numbers(load):
    model = {"predictor": "ease", "featurizer": ["tf-idf", {"name": "tf-idf", "min_df": 2}], "rankers": ["mmr"]}
    found = spaces(load(model))
    assert "featurizer.1.min_df" in found
    assert "featurizer.2.min_df" not in found
    assert "featurizer.2.sublinear_tf" in found


def test_no_value_is_a_point_only_where_no_value_is_set(load):
    model = {"predictor": {"name": "gru4rec"}, "rankers": ["neural-ranker"]}
    found = spaces(load(model, split=RANK_PART))
    assert found["train.batch_size"].contains(None)
    assert found["train.learning_rate"].contains(None)
    assert not found["ranker_train.batch_size"].contains(None)  # rankers have a default
    assert found["ranker_train.batch_size"].contains(32)


def test_without_a_table_or_a_space_and_with_false_nothing_is_searched(load, installed):
    raw = {"data": {"source": "synthetic-shop"}, "model": [{"predictor": "als"}]}
    assert experiment_from(raw, registry=installed).models[0].tuning is None
    models = [
        {"predictor": "random"},
        {"predictor": "als", "tune": False},
        {"label": "b", "predictor": "als", "tune": True},
    ]
    tuned = [model.tuning is not None for model in load(models).models]
    assert tuned == [False, False, True]


def test_a_table_narrows_replaces_adds_and_keeps(load):
    own = {
        "predictor": {
            "factors": [16, 32], "regularization": {"low": 0.001}, "iterations": {"low": 5, "high": 20},
            "unobserved": False,
        },
    }  # fmt: skip
    found = spaces(load({"predictor": "als", "tune": own}))
    assert found["predictor.factors"].values == (16, 32)
    narrowed = found["predictor.regularization"]
    assert (narrowed.low, narrowed.high, narrowed.log) == (0.001, 0.1, True)
    assert found["predictor.iterations"].whole
    assert "predictor.unobserved" not in found
    assert "predictor.frequency_exponent" in found
    assert not spaces(load({"predictor": "ease", "tune": {"predictor": {"l2": {"low": 1, "high": 9}}}}))[
        "predictor.l2"
    ].whole


def test_the_first_trial_lies_in_a_space_that_the_file_narrows_or_replaces(load):
    own = {"predictor": {"shrinkage": {"low": 0, "high": 10}}}  # 20 by default
    model = load({"predictor": {"name": "item-knn", "k": 50}, "tune": own}).models[0]
    point = model.tuning.space.first_point()
    assert point["predictor.shrinkage"] == 10
    assert "predictor.k" not in point
    network = {"predictor": "gru4rec", "tune": {"train": {"batch_size": {"low": 64, "high": 128}}}}
    assert load(network).models[0].tuning.space.first_point()["train.batch_size"] == 96


def test_the_first_metric_is_the_default(load):
    evaluate = {"metrics": ["recall@20", "ndcg@10"]}
    assert load({"predictor": "ease"}, evaluate=evaluate).models[0].tuning.metric_name == "recall@20"
    tuning = load({"predictor": "ease"}, evaluate=evaluate, tune={"trials": 1, "metric": "ndcg@10"}).models[0].tuning
    assert tuning.metric_name == "ndcg@10"


def test_what_trains_in_epochs_and_is_validated_is_pruned_unless_the_file_says_no(load):
    models = ["gru4rec", "als", {"name": "content-knn"}]
    tables = [{"predictor": models[0]}, {"predictor": models[1]}, {"predictor": models[2], "featurizer": "text-cnn"}]
    assert [model.tuning.prunes for model in load(tables).models] == [True, False, False]
    assert not load(tables[0], ["tune.prune=false"]).models[0].tuning.prunes


def test_a_search_depends_on_pruning_where_it_has_an_effect(load):
    searches = {
        (name, prune): load({"predictor": name}, [f"tune.prune={prune}"]).models[0].tuning.search_as_json()
        for name in ("gru4rec", "als")
        for prune in ("true", "false")
    }
    assert searches["gru4rec", "true"] != searches["gru4rec", "false"]
    assert searches["als", "true"] == searches["als", "false"]


def test_an_override_replaces_the_budget_of_the_file(load):
    found = load({"predictor": "ease"}, ["tune.minutes=2"]).models[0].tuning
    assert found.budget == {"minutes": 2}
    with pytest.raises(ConfigError, match="expected one budget, found two"):
        load({"predictor": "ease"}, ["tune.minutes=2", "tune.trials=2"])


def test_a_model_may_have_a_budget_of_its_own_which_an_override_replaces_too(load):
    models = [{"predictor": "ease"}, {"predictor": "als", "tune": {"minutes": 2, "predictor": {"factors": [8, 16]}}}]
    ease, als = (model.tuning for model in load(models).models)
    assert (ease.budget, als.budget) == ({"trials": 3}, {"minutes": 2})
    assert als.space.spaces["predictor.factors"].values == (8, 16)
    override = load(models, ["tune.trials=2"])
    assert [m.tuning.budget for m in override.models] == [{"trials": 2}] * 2
    assert override.replaced_budgets == ("model[2].tune: minutes = 2 is replaced by tune.trials=2",)
    assert load(models).replaced_budgets == load(models, ["tune.seed=2"]).replaced_budgets == ()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"tune": {"trials": 0}}, "tune.trials: expected a number of at least 1, found 0."),
        ({"tune": {"minutes": 0}}, "tune.minutes: expected a number greater than 0, found 0."),
        (
            {"tune": {"trials": 30, "minutes": 20}},
            "tune: expected one budget, found two: trials = 30 and minutes = 20. Remove one of them.",
        ),
        ({"tune": {"trials": 3, "prune": "median"}}, "tune.prune: expected true or false, found 'median'."),
        ({"tune": {}}, "tune: expected a budget, found none. Set trials = 30, or minutes = 20."),
        (
            {"tune": {"trial": 3}},
            "tune.trial: unknown key. Did you mean 'trials'? Known here: metric, minutes, prune, seed, trials.",
        ),
        (
            {"tune": {"trials": 3, "metric": "recall@20"}},
            "tune.metric: 'recall@20' is not measured. Did you mean 'recall@10'? Choose one of [evaluate] metrics (ndcg@10, "
            "recall@10, hit@10, mrr@10, coverage@10), or add it there.",
        ),
    ],
)
def test_a_wrong_budget_is_a_sentence_with_its_place(load, tables, message):
    with pytest.raises(ConfigError) as error:
        load({"predictor": "ease"}, **tables)
    assert message in str(error.value).splitlines()


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            {"predictor": {"factor": [1]}},
            "model[1].tune.predictor.factor: the model has no such parameter. Did you mean 'predictor.factors'? The model "
            "searches: predictor.factors, predictor.regularization, predictor.frequency_exponent, predictor.unobserved.",
        ),
        (
            {"predictor": {"factors": []}},
            "model[1].tune.predictor.factors: the list excludes every value. List one value or more, or write false to keep "
            "the setting.",
        ),
        (
            {"predictor": {"factors": {"low": 50, "high": 20}}},
            "model[1].tune.predictor.factors: the range excludes every value: expected `low` below `high`, found 50 and 20.",
        ),
        (
            {"predictor": {"factors": [0, 8]}},
            "model[1].tune.predictor.factors: expected a number of at least 1, found 0.",
        ),
        (
            {"predictor": {"factors": ["8"]}},
            "model[1].tune.predictor.factors: expected a whole number, found the string '8'. Remove the quotes.",
        ),
        (
            {"predictor": {"factors": 8}},
            "model[1].tune.predictor.factors: expected a list of values, a table such as { low = 1, high = 10 }, or false to "
            "keep the setting, found 8.",
        ),
        (
            {"predictor": {"iterations": {"low": 3}}},
            "model[1].tune.predictor.iterations: `high` is missing, and no range is declared for it. Give `low` and `high`.",
        ),
        (
            {"predictor": {"factors": {"low": "a", "high": 3}}},
            "model[1].tune.predictor.factors.low: expected a number, found 'a'.",
        ),
        ({"trials": 0}, "model[1].tune.trials: expected a number of at least 1, found 0."),
        (
            {"trials": 3, "minutes": 1},
            "model[1].tune: expected one budget, found two: trials = 3 and minutes = 1. Remove one of them.",
        ),
    ],
)
def test_a_wrong_space_is_a_sentence_with_its_place(load, own, message):
    with pytest.raises(ConfigError) as error:
        load({"predictor": "als", "tune": own})
    assert message in str(error.value).splitlines()


def test_all_problems_of_a_table_are_told_at_once(load):
    own = {"trials": 3, "minutes": 1, "metric": "recall@10", "predictor": {"halflife": [1.0]}}
    with pytest.raises(ConfigError) as error:
        load({"predictor": "personal-popular", "tune": own})
    assert str(error.value).splitlines() == [
        "model[1].tune: expected one budget, found two: trials = 3 and minutes = 1. Remove one of them.",
        "model[1].tune.metric: is the same for all models. Move it to [tune].",
        "model[1].tune.predictor.halflife: the model has no such parameter. Did you mean 'predictor.half_life'? The model "
        "searches: predictor.half_life.",
    ]


def test_a_model_says_that_it_has_nothing_to_search(load):
    kept = {"predictor": "personal-popular", "tune": {"predictor": {"half_life": False}}}
    models = [kept, {"predictor": "als", "tune": False}, {"predictor": "ease"}]
    assert [model.searches_nothing for model in load(models).models] == [True, False, False]


def test_a_budget_of_a_model_without_one_of_the_file_is_a_sentence(load):
    with pytest.raises(ConfigError) as error:
        load({"predictor": "als", "tune": {"trials": 3}}, tune=None)
    assert str(error.value) == (
        "model[1].tune.trials: the file has no [tune] table, so no model is tuned. Add one, with the budget of the other models, or "
        "remove this key."
    )


def test_a_space_without_a_valid_point_is_refused(load):
    model = {"predictor": {"name": "sasrec", "dim": 50}, "tune": {"predictor": {"heads": [3, 7]}}}
    with pytest.raises(ConfigError) as error:
        load(model)
    assert "model[1].tune: the search space excludes every point: predictor: expected `heads` to divide `dim`" in str(
        error.value
    )


def test_a_draw_of_a_point_gives_its_values():
    draw = value_in({"predictor.rate": None, "predictor.size": 3})
    assert (draw("predictor.rate?", None), draw("predictor.size?", None), draw("predictor.size", None)) == (
        False,
        True,
        3,
    )


def test_the_json_schema_has_the_table(installed):
    schema = experiment_schema(installed)
    assert {"trials", "minutes", "metric", "seed", "prune"} == set(schema["$defs"]["TuneSettings"]["properties"])
    assert schema["$defs"]["Experiment"]["properties"]["tune"]["$ref"] == "#/$defs/TuneSettings"
