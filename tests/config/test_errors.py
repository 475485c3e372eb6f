"""What a user reads who wrote something wrong: the place, what was expected, what was found, what to do."""

from datetime import date, datetime

import pytest

from zoo.config.load import experiment_from
from zoo.errors import ConfigError

KNN = {"predictor": "item-knn"}


@pytest.mark.parametrize(("tables", "message"), [
    # unknown keys
    (
        {"model": [KNN, {"label": "b", "predictor": {"name": "item-knn", "shrinkge": 10}}]},
        "model[2].predictor.shrinkge: unknown key. Did you mean 'shrinkage'? Known here: k, shrinkage.",
    ),
    (
        {"model": [KNN | {"ranker": "mmr"}]},
        "model[1].ranker: unknown key. Did you mean 'rankers'? Known here: candidate_features, featurizer, filters, label, predictor, ranker_train, rankers, resources, train, tune.",
    ),
    ({"modell": []}, "modell: unknown key. Did you mean 'model'? Known here: data, evaluate, model, references, split, task, train, tune."),
    ({"split": {"cutz": [0.5]}}, "split.cutz: unknown key. Did you mean 'cuts'? Known here: cold_items, cuts, policy, seed, targets, unit."),
    (
        {"split": {"policy": "given", "trian": ["a"]}},
        "split.trian: unknown key. Did you mean 'train'? Known here: cold_items, column, policy, rank, seed, targets, test, train, unit, validate, validate_share.",
    ),
    (
        {"split": {"policy": "leave-last-out", "cold_items": 1}},
        "split.cold_items: expected a number less than 1, found 1.",
    ),
    ({"data": {"source": "shop", "k_core": {"usr": 5}}}, "data.k_core.usr: unknown key. Did you mean 'user'? Known here: item, user."),
    ({"data": {"source": {"name": "shop", "size": 3}}}, "data.source.size: unknown key. It takes no parameters."),
    (
        {"model": [{"predictor": "epochs", "train": {"learning_rat": 1e-3}}]},
        "model[1].train.learning_rat: unknown key. Did you mean 'learning_rate'? Known here: accumulate, averaging, batch_size, clip_norm, "
        "devices, epoch_batches, learning_rate, logger, max_epochs, monitor, nodes, patience, precision, schedule, strategy, time_limit, "
        "validate_every, validation_queries, warmup_steps, weight_decay.",
    ),
    # missing keys
    ({"data": {}}, "data.source: missing, and it has no default. What it means: A `dataset` component."),
    ({"data": {"source": "files"}}, "data.source.interactions: missing, and it has no default. What it means: The file of events."),
    ({"evaluate": {"metrics": ["ndcg"]}}, "evaluate.metrics[1].k: missing, and it has no default. What it means: Length of the list."),
    ({"model": [{"label": "a"}]}, "model[1].predictor: missing, and it has no default. What it means: Scores every item and retrieves the candidates."),
    # wrong types
    ({"evaluate": {"candidates": "many"}}, "evaluate.candidates: expected a whole number, found 'many'."),
    ({"evaluate": {"candidates": "200"}}, "evaluate.candidates: expected a whole number, found the string '200'. Remove the quotes."),
    ({"evaluate": {"candidates": True}}, "evaluate.candidates: expected a whole number, found true."),
    ({"evaluate": {"candidates": 20.5}}, "evaluate.candidates: expected a whole number, found 20.5."),
    ({"train": {"refit": "false"}}, "train.refit: expected true or false, found the string 'false'. Remove the quotes."),
    ({"train": {"refit": 0}}, "train.refit: expected true or false, found 0."),
    ({"train": {"seeds": [0, "one"]}}, "train.seeds[2]: expected a whole number, found 'one'."),
    ({"train": {"seeds": [1, 2, 1]}}, "train.seeds: expected each seed once, found 1 more than once."),
    ({"train": {"seeds": 3}}, "train.seeds: expected a list, found 3."),
    ({"data": 3}, "data: expected a table, found 3."),
    ({"data": {"source": "shop", "event_weights": {"view": "one"}}}, "data.event_weights.view: expected a number, found 'one'."),
    ({"data": {"source": {"name": "files", "interactions": 3}}}, "data.source.interactions: expected a path, found 3."),
    ({"evaluate": {"exclude_seen": 3}}, "evaluate.exclude_seen: expected true or false, or a list, found 3."),
    ({"evaluate": {"exclude_seen": ["view", 3]}}, "evaluate.exclude_seen[2]: expected a string, found 3."),
    ({"model": KNN}, "model: expected a list, found a table. Write [[model]] to begin each table of the list."),
    ({"model": [{"predictor": 3}]}, "model[1].predictor: expected a component's name, or a table with `name` and its parameters, found 3."),
    (
        {"model": [KNN | {"rankers": ["mmr", {"nam": "mmr"}]}]},
        "model[1].rankers[2]: expected a component's name, or a table with `name` and its parameters, found {'nam': 'mmr'}.",
    ),
    ({"model": [{"predictor": {"name": 3}}]}, "model[1].predictor.name: expected a string, found 3."),
    ({"model": [{"predictor": {"name": "item-knn", "k": "ten"}}]}, "model[1].predictor.k: expected a whole number, found 'ten'."),
    ({"model": [{"predictor": "epochs", "train": 3}]}, "model[1].train: expected a table, found 3."),
    ({"train": {"monitor": "ndgc@10"}}, "train.monitor: no metric named 'ndgc'. Did you mean 'ndcg'? Installed: coverage, diversity, hit, mrr, ndcg, recall. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER."),
    (
        {"model": [{"predictor": "epochs", "train": {"monitor": "ndgc@10"}}]},
        "model[1].train.monitor: no metric named 'ndgc'. Did you mean 'ndcg'? Installed: coverage, diversity, hit, mrr, ndcg, recall. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER.",
    ),
    ({"train": {"monitor": "ndcg"}}, "train.monitor: expected a string that matches ^.+@[1-9]\\d*$, found 'ndcg'."),
    # values out of range
    ({"model": [{"predictor": "epochs", "train": {"patience": 0}}]}, "model[1].train.patience: expected a number of at least 1, found 0."),
    ({"model": [KNN | {"train": {"patience": 3}}]}, "model[1].train: nothing in item-knn trains in epochs. Remove [model.train]."),
    ({"model": [{"predictor": {"name": "item-knn", "k": 0}}]}, "model[1].predictor.k: expected a number of at least 1, found 0."),
    ({"model": [{"predictor": {"name": "popular", "half_life": 0}}]}, "model[1].predictor.half_life: expected a number greater than 0, found 0."),
    ({"data": {"source": "shop", "k_core": 0}}, "data.k_core: expected a number of at least 1, found 0."),
    ({"model": []}, "model: expected 1 or more entries, found []."),
    ({"evaluate": {"metrics": []}}, "evaluate.metrics: expected 1 or more entries, found []."),
    ({"train": {"device": "tpu"}}, "train.device: expected 'auto', 'cpu', 'cuda' or 'mps', found 'tpu'. Did you mean 'cpu'?"),
    (
        {"split": {"policy": "leave-last"}},
        "split.policy: expected 'temporal', 'leave-last-out', 'strong-generalisation', 'given', found 'leave-last'. Did you mean 'leave-last-out'?",
    ),
    ({"split": {"cuts": [0.9, 0.8]}}, "split.cuts: expected one to three ascending shares between 0 and 1, or dates, found [0.9, 0.8]."),
    ({"split": {"cuts": [0.8, 1.0]}}, "split.cuts: expected one to three ascending shares between 0 and 1, or dates, found [0.8, 1.0]."),
    ({"split": {"cuts": [80]}}, "split.cuts: expected one to three ascending shares between 0 and 1, or dates, found [80]."),
    ({"split": {"cuts": []}}, "split.cuts: expected one to three ascending shares between 0 and 1, or dates, found []."),
    ({"split": {"cuts": 0.8}}, "split.cuts: expected one to three ascending shares between 0 and 1, or dates, found 0.8."),
    # names
    (
        {"model": [{"predictor": "item-kn"}]},
        "model[1].predictor: no predictor named 'item-kn'. Did you mean 'item-knn'? Installed: content, epochs, item-knn, popular, seeded. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER.",
    ),
    (
        {"model": [KNN | {"filters": ["mmr"]}]},
        "model[1].filters[1]: 'mmr' is a ranker, not a filter. Installed filters: available.",
    ),
    ({"data": {"source": "shopp"}}, "data.source: no dataset named 'shopp'. Did you mean 'shop'? Installed: files, shop. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER."),
    (
        {"evaluate": {"metrics": ["ndcg@10", "ndgc@10"]}},
        "evaluate.metrics[2]: no metric named 'ndgc'. Did you mean 'ndcg'? Installed: coverage, diversity, hit, mrr, ndcg, recall. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER.",
    ),
    (
        {"evaluate": {"metrics": ["ndcg@ten"]}},
        "evaluate.metrics[1]: expected a cutoff after the @, a whole number as in 'ndcg@10', found 'ndcg@ten'.",
    ),
    (
        {"evaluate": {"metrics": ["ndcg@0"]}},
        "evaluate.metrics[1]: expected a cutoff after the @, a whole number as in 'ndcg@10', found 'ndcg@0'.",
    ),
    ({"model": [KNN, {"label": "item-knn", "predictor": "popular"}]}, "model[1] and model[2] are both named 'item-knn': give each its own `label`."),
    (
        {"data": {"source": {"name": "files", "interactions": "${SHOP}/events.parquet"}}},
        "data.source.interactions: '${SHOP}/events.parquet' uses the environment variable SHOP, which is not set. Set it: export SHOP=...",
    ),
])  # fmt: skip
def test_the_message_names_place_expectation_and_finding(resolve, tables, message):
    with pytest.raises(ConfigError) as error:
        resolve(**tables)
    assert str(error.value).splitlines() == [message]


def test_every_problem_has_its_line(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(
            evaluate={"metrics": ["nope@10"]},
            model=[{"predictor": "nope"}, {"predictor": {"name": "item-knn", "k": -1}}],
        )
    places = [line.partition(":")[0] for line in str(error.value).splitlines()]
    assert places == ["evaluate.metrics[1]", "model[1].predictor", "model[2].predictor.k"]


def test_malformed_tables_hide_no_problem_of_the_others(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(
            data={"source": {"name": "shop", "size": 3}},
            split={"policy": "leave-last"},
            evaluate={"metrics": ["nope@10", "ndcg@10"]},
            train={"seedz": [1]},
            model=[{"predictor": "nope"}, KNN | {"ranker": "mmr"}, {"label": "b", "predictor": "content"}, 3],
        )
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "train.seedz", "model[2].ranker", "split.policy", "model[4]",  # malformed
        "data.source.size", "evaluate.metrics[1]", "model[1].predictor",  # not known
        "model[3]",  # does not fit
    ]  # fmt: skip


def test_other_mistakes_of_a_table_hide_no_component_of_it(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(
            data={"source": {"name": "files", "interaction": "e.csv"}, "k_cor": 5},
            evaluate={"metric": [], "metrics": ["ndgc@10"], "features": "tfidf"},
            model=[
                {"predictor": {"name": "item-knn", "kk": 3}, "ranker": "mmr", "filters": ["mmr"], "train": {"seedz": 1}}
            ],
        )
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "data.k_cor", "evaluate.metric", "model[1].ranker",  # malformed
        "data.source.interactions", "data.source.interaction", "evaluate.metrics[1]", "evaluate.features[1]",
        "model[1].predictor.kk", "model[1].filters[1]", "model[1].train.seedz",
    ]  # fmt: skip


def test_a_file_of_judged_lists_tells_all_mistakes_at_once(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(
            task="rank",
            data={"source": {"name": "files", "interaction": "e.csv"}, "features": ["rank*"], "columnz": {}},
            model=[{"rankers": ["mmr", "nope"]}],
        )
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "data.columnz", "data.source.interactions", "data.source.interaction", "model[1].rankers[2]"
    ]  # fmt: skip


def test_a_model_with_a_wrong_name_hides_no_misfit_of_another(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(model=[{"predictor": "nope"}, {"label": "b", "predictor": "content"}])
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["model[1].predictor", "model[2]"]


def test_a_long_value_is_cut_in_the_message(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(train={"seeds": "0, " * 100})
    assert len(str(error.value)) < 150


@pytest.mark.parametrize(
    "cuts",
    [[0.5], [0.5, 0.6, 0.7], [date(2011, 1, 1), datetime(2011, 2, 1)], ["2011-01-01", "2011-02-01T12:00:00+02:00"]],
)
def test_cuts_are_shares_or_dates(resolve, cuts):
    assert len(resolve(split={"cuts": cuts}).experiment.split.cuts) == len(cuts)


def test_dates_are_in_utc_unless_they_say_otherwise(resolve):
    plain = resolve(split={"cuts": [date(2011, 1, 1), "2011-02-01T12:00:00+02:00"]}).as_json()
    assert plain["split"]["cuts"] == ["2011-01-01T00:00:00Z", "2011-02-01T10:00:00Z"]


# Components that do not fit together.


def misfits(resolve, **tables):
    with pytest.raises(ConfigError) as error:
        resolve(**tables)
    return str(error.value).splitlines()


def test_a_ranker_that_learns_needs_a_rank_part(resolve):
    model = [KNN | {"rankers": "sorter"}]
    assert misfits(resolve, model=model) == [
        "model[1]: ranker 'sorter' is fitted on the `rank` part, and the split has none. "
        'Use `policy = "temporal"` with three `cuts`.'
    ]
    assert resolve(model=model, split={"cuts": [0.7, 0.8, 0.9]}).has_rank_part


@pytest.mark.parametrize(
    ("split", "advice"),
    [
        ({"policy": "leave-last-out"}, "Set `rank = true` in [split]."),
        ({"policy": "given", "rank": []}, "Name its values in the column: `rank = [...]` in [split]."),
        (
            {"policy": "strong-generalisation"},
            'Use `policy = "temporal"` with three `cuts`, or `leave-last-out` with `rank = true`.',
        ),
    ],
)
def test_the_error_about_the_rank_part_fits_the_policy(resolve, split, advice):
    model = [KNN | {"rankers": "sorter"}]
    assert misfits(resolve, model=model, split=split) == [
        f"model[1]: ranker 'sorter' is fitted on the `rank` part, and the split has none. {advice}"
    ]


@pytest.mark.parametrize("split", [{"policy": "leave-last-out", "rank": True}, {"policy": "given"}])
def test_a_rank_part_needs_no_clock(resolve, split):
    data = {"source": "shop", "time": "position"}
    assert resolve(model=[KNN | {"rankers": "sorter"}], split=split, data=data).has_rank_part


def test_a_ranker_that_does_not_learn_needs_no_rank_part(resolve):
    assert resolve(model=[KNN | {"featurizer": "tf-idf", "rankers": "mmr"}]).models[0].rankers[0].name == "mmr"


def test_candidate_features_of_item_features_need_a_featurizer(resolve):
    asked = KNN | {"rankers": "sorter", "candidate_features": {"groups": ["score", "vectors", "similarity"]}}
    split = {"cuts": [0.7, 0.8, 0.9]}
    assert misfits(resolve, model=[asked], split=split) == [
        "model[1].candidate_features.groups: vectors and similarity of candidates come from item features, and there is no "
        "`featurizer`. Choose one: tabular, tf-idf; or leave them out."
    ]
    assert resolve(model=[asked | {"featurizer": "tf-idf"}], split=split).models


def test_a_predictor_that_needs_features_needs_a_featurizer(resolve):
    assert misfits(resolve, model=[{"predictor": "content"}]) == [
        "model[1]: content needs item features and there is no `featurizer`. Choose one: tabular, tf-idf."
    ]


def test_a_switch_after_which_no_features_are_needed_is_named():
    message = r"^model\[1\]: sasrec needs item features and there is no `featurizer`\. Choose one: .*, tf-idf; or set ids = true\.$"
    with pytest.raises(ConfigError, match=message):
        experiment_from({
            "data": {"source": "synthetic-shop"}, "split": {"policy": "leave-last-out"}, "evaluate": {"metrics": ["ndcg@10"]},
            "model": [{"predictor": {"name": "sasrec", "ids": False}}],
        })  # fmt: skip


def test_features_that_nobody_reads_are_refused(resolve):
    assert misfits(resolve, model=[KNN | {"featurizer": ["tf-idf", "tabular"]}]) == [
        "model[1]: nothing reads the features of tf-idf, tabular: item-knn takes none. "
        "Remove `featurizer`, or choose a predictor or ranker that takes features."
    ]


def test_rankers_need_as_many_candidates_as_the_longest_list_has(resolve):
    models = [KNN, {"label": "b", "predictor": "item-knn", "featurizer": "tf-idf", "rankers": "mmr"}]
    evaluate = {"metrics": ["ndcg@5", "hit@20"], "candidates": 19}
    assert misfits(resolve, model=models, evaluate=evaluate) == [
        "evaluate.candidates: 19 candidates for the rankers of b are fewer than the largest metric cutoff, 20: "
        "set it to 20 or more, or choose smaller cutoffs."
    ]
    assert resolve(model=models, evaluate=evaluate | {"candidates": 20})
    assert resolve(model=[KNN], evaluate=evaluate)  # without rankers nobody asks for candidates


def test_a_metric_that_compares_features_needs_them(resolve):
    evaluate = {"metrics": ["diversity@5"]}
    assert misfits(resolve, evaluate=evaluate) == [
        "evaluate.metrics: diversity needs item features and there are none: set "
        'evaluate.features = { name = "tf-idf", columns = [...] }, or leave the metric out.'
    ]
    assert resolve(evaluate=evaluate | {"features": "tf-idf"})


@pytest.mark.parametrize("time", ["position", "file-order"])
def test_an_order_is_no_clock(resolve, time):
    data = {"source": "shop", "time": time}
    models = [
        {"predictor": "popular"},
        {"label": "recent", "predictor": {"name": "popular", "half_life": 7}},
        KNN | {"filters": "available"},
    ]
    split = {"policy": "leave-last-out"}
    assert misfits(resolve, data=data, model=models, split=split) == [
        f"model[2]: popular needs timestamps, and the events are ordered by {time} only. Use data with timestamps, or other parameters.",
        f"model[3]: available needs timestamps, and the events are ordered by {time} only. Use data with timestamps, or other parameters.",
    ]
    assert resolve(data=data | {"time": "timestamp"}, model=models, split=split)


@pytest.mark.parametrize("time", ["position", "file-order"])
def test_a_temporal_split_needs_a_clock(resolve, time):
    data = {"source": "shop", "time": time}
    assert misfits(resolve, data=data) == [
        f"split.policy 'temporal' cuts at moments, and data.time = '{time}' gives an order without timestamps. "
        'Use data with timestamps, or split.policy = "leave-last-out", with split.unit = "basket" or "session" if several rows '
        "belong to one order or visit."
    ]
    assert resolve(data=data, split={"policy": "given"})
