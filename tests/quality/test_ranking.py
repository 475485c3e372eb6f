"""Published figures of judged lists."""

import tomllib
from pathlib import Path

import pytest

import zoo
from zoo.config.load import experiment_from

EXAMPLES = Path(__file__).parents[2] / "examples"


def figures(file, data_dir, tmp_path, *labels, seeds=(0,)):
    """Return NDCG@10 of some models of an example, the mean of their seeds."""
    raw = tomllib.loads((EXAMPLES / file).read_text())
    raw["model"] = [m for m in raw["model"] if m["rankers"][0]["name"] in labels]
    raw["train"]["seeds"] = list(seeds)
    raw["evaluate"]["bootstrap"] = 100
    experiment = experiment_from(raw, env={"ZOO_DATA": str(data_dir)})
    rows = zoo.bench(experiment, tmp_path / "out").rows()
    assert not [row.error for row in rows if row.error]
    values = {label: [r.metrics["ndcg@10"][0] for r in rows if r.label == label] for label in labels}
    return {label: sum(found) / len(found) for label, found in values.items()}


def test_the_sum_of_ranks_reaches_what_is_published_of_it(data_dir, tmp_path):
    """Borda's count on MQ2007-agg: a check of lists, folds, gains and of the rule for empty queries."""
    assert figures("learning-to-rank.toml", data_dir, tmp_path, "borda")["borda"] == pytest.approx(0.452, abs=0.001)


@pytest.mark.slow
def test_trees_and_networks_reach_what_is_published_on_mq2007(data_dir, tmp_path):
    names = ("lambdamart", "neural-ranker", "sorting-network")
    found = figures("learning-to-rank.toml", data_dir, tmp_path, *names)
    assert found["lambdamart"] >= 0.490
    assert found["neural-ranker"] >= 0.486
    assert found["sorting-network"] >= 0.486


@pytest.mark.slow
def test_trees_and_networks_reach_what_is_published_on_lightgbms_example(data_dir, tmp_path):
    names = ("lambdamart", "neural-ranker", "sorting-network")
    found = figures("learning-to-rank-lightgbm.toml", data_dir, tmp_path, *names, seeds=(0, 1, 2))
    assert found["lambdamart"] == pytest.approx(0.745, abs=0.02)
    assert found["neural-ranker"] >= 0.72
    assert found["sorting-network"] >= 0.72
