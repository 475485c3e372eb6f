"""Networks with their default settings."""

import zoo

PLATEAU = 0.062
"""The validation NDCG@10 at which `gru4rec` stays for epochs 2 and 3 here; with batches of 256, for 160 steps."""


def test_gru4rec_leaves_the_initial_plateau_of_a_small_shop(tmp_path, training_seed, assert_learned):
    store = zoo.bench(
        {
            "data": {"source": {"name": "synthetic-shop", "customers": 600, "items": 400, "events": 20_000}},
            "evaluate": {"metrics": ["ndcg@10"]},
            "train": {"refit": False, "seeds": [training_seed], "threads": 1, "max_epochs": 25},
            "model": [{"predictor": "gru4rec", "featurizer": "tf-idf"}],
            "references": False,
        },
        out=tmp_path,
    )
    (row,) = store.rows()
    assert row.error is None
    assert row.training["chosen"]["patience"] >= 50  # epochs of 20 steps
    best = max(at["value"] for at in row.training["history"])
    assert_learned(best, above=1.35 * PLATEAU)  # measured 0.107 with seed 0
