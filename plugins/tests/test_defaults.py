"""Networks with their default settings."""

import zoo

SHOP = {
    "data": {"source": {"name": "synthetic-shop", "customers": 300, "items": 150, "events": 9_000}},
    "split": {"policy": "leave-last-out"},
    "evaluate": {"metrics": ["ndcg@10"], "exclude_seen": False},
}


def test_gru4rec_does_not_stop_in_the_initial_plateau_of_a_small_shop(tmp_path, training_seed, assert_learned):
    store = zoo.bench(
        {
            **SHOP,
            "train": {"refit": False, "seeds": [training_seed], "threads": 1, "max_epochs": 40},  # until patience: 244
            "model": [{"predictor": "popular"}, {"predictor": "gru4rec", "featurizer": "tf-idf"}],
        },
        out=tmp_path,
    )
    popular, network = store.rows()
    (best,) = (at["value"] for at in network.training["history"] if at["epoch"] == network.training["epochs"])
    assert network.training["chosen"]["patience"] >= 100  # epochs of ten steps
    assert_learned(best, above=2 * popular.metrics["ndcg@10"][0])
