"""The built-in shop told apart by the zoo's own models: taste beats popularity, and text helps where nobody has bought yet."""

import pytest

import zoo


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    config = {
        "data": {
            "source": {"name": "synthetic-shop", "customers": 3000, "items": 2000, "events": 150_000, "new_items": 0.6}
        },
        "split": {"policy": "temporal", "cuts": [0.75, 0.8]},
        "evaluate": {"target_events": ["purchase"], "exclude_seen": ["purchase"], "metrics": ["ndcg@10", "recall@10"]},
        "model": [
            {"predictor": "popular"},
            {"predictor": "transition-graph"},
            {"predictor": "item-knn"},
            {"predictor": {"name": "als", "factors": 32}},
            {"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title", "description"]}},
        ],
    }
    store = zoo.bench(config, tmp_path_factory.mktemp("shop") / "out")
    return {row.label: row for row in store.rows()}


@pytest.mark.parametrize("name", ["transition-graph", "item-knn", "als"])
def test_personalised_models_beat_popularity_beyond_the_intervals(rows, name):
    assert rows[name].metrics["ndcg@10"][1] > rows["popular"].metrics["ndcg@10"][2]


def test_text_finds_products_that_nobody_has_bought(rows):
    cold = rows["content-knn"].slices["cold"]
    assert cold["queries"] > 50
    assert cold["metrics"]["recall@10"][1] > cold["floor"]["recall@10"]
    assert rows["als"].slices["cold"]["metrics"]["recall@10"][0] == 0  # ids alone have nothing to say there
