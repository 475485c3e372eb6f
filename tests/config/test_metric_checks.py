"""Metrics that cannot be monitored, and metrics with one name, are found before any data is read."""

import sys
from pathlib import Path

import pytest

from zoo.config.load import experiment_from
from zoo.errors import ConfigError
from zoo.registry.registry import Registry

CALIBRATED = Path(__file__).parents[2] / "examples" / "plugins" / "calibrated.py"
NOT_HIGHER = "early stopping needs a metric for which higher is better, which 'miscalibration@5' is not. Choose a metric such as 'ndcg@10'."


@pytest.fixture(scope="module")
def registry():
    yield Registry.discover([CALIBRATED])
    sys.modules.pop("calibrated", None)


def problems(registry, metrics=("ndcg@10",), **tables):
    raw = {
        "data": {"source": "synthetic-shop"},
        "evaluate": {"metrics": list(metrics)},
        "model": [{"predictor": "ease"}],
    }
    try:
        experiment_from({**raw, **tables}, registry=registry)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_a_monitor_of_which_more_is_not_better_is_refused_where_a_model_trains_in_epochs(registry):
    train = {"monitor": "miscalibration@5"}
    two = [{"predictor": "sasrec"}, {"predictor": "gru4rec"}]
    own = [{"predictor": "sasrec", "train": train}]
    assert problems(registry, train=train) == []
    assert problems(registry, train=train, model=two) == [f"train.monitor: {NOT_HIGHER}"]
    assert problems(registry, model=own) == [f"model[1].train.monitor: {NOT_HIGHER}"]
    assert problems(registry, train={"monitor": "recall@5"}, model=two) == []


def test_one_metric_may_be_listed_twice_under_two_names_only(registry):
    assert problems(registry, metrics=["hit@10", "ndcg@10", {"name": "hit"}]) == [
        "evaluate.metrics: 'hit@10' is listed more than once: remove one"
    ]
    by_brand = {"name": "miscalibration", "column": "brand"}
    assert problems(registry, metrics=["hit@10", "hit@5", "recall@10", {"name": "recall", "normalise": "min"}]) == []
    assert problems(registry, metrics=["miscalibration@10", by_brand]) == []


def test_a_name_without_the_parameter_that_differs_is_refused_with_what_to_do(registry, tmp_path):
    plugin = tmp_path / "category_kl.py"
    plugin.write_text(
        CALIBRATED.read_text()
        .replace('f"miscalibration-{column}"', '"miscalibration"')
        .replace("calibrated:", "category_kl:")
    )
    by_brand = {"name": "miscalibration", "column": "brand"}
    assert problems(Registry.discover([plugin]), metrics=["miscalibration@10", by_brand]) == [
        "evaluate.metrics: 'miscalibration@10' is listed more than once, with another column, and a name stands for one column of the "
        "table: remove one, or let the metric's `title` be a property that contains the parameter"
    ]
    sys.modules.pop("category_kl", None)
