"""The family through the benchmark: settings of its own, and a row that says how it was trained."""

import pytest

from zoo import bench

TINY = {"name": "sasrec", "dim": 8, "length": 8, "blocks": 1}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the results of two models on a tiny shop."""
    experiment = {
        "data": {
            "source": {"name": "synthetic-shop", "customers": 200, "items": 60, "events": 8000},
            "events": ["purchase"],
        },
        "split": {"policy": "leave-last-out"},
        "evaluate": {"metrics": ["ndcg@10"], "bootstrap": 100},
        "train": {"max_epochs": 3, "patience": 1, "batch_size": 32, "validation_queries": 50},
        "model": [
            {"label": "plain", "predictor": TINY},
            {
                "label": "own",
                "predictor": TINY,
                "train": {"learning_rate": 0.01, "monitor": "recall@5", "schedule": "cosine"},
            },
            {"predictor": "popular"},
        ],
    }
    return bench(experiment, tmp_path_factory.mktemp("runs"))


def test_every_model_has_a_row(store):
    rows = store.rows()
    assert [(row.label, row.error) for row in rows] == [("plain", None), ("own", None), ("popular", None)]
    assert all(0 <= row.metrics["ndcg@10"][0] <= 1 for row in rows)
    assert [row.seed for row in rows] == [0, 0, None]


def test_a_row_says_how_its_networks_were_trained(store):
    plain, own, popular = (row.model.get("train") for row in store.rows())
    assert popular is None
    assert (plain["learning_rate"], plain["monitor"], plain["max_epochs"]) == (None, "ndcg@10", 3)
    assert (own["learning_rate"], own["monitor"], own["max_epochs"]) == (1e-2, "recall@5", 3)
