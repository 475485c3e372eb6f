"""Two stages in a benchmark: rankers that learn from the window before the test, and what the report says of them."""

import zoo

SHOP = {"name": "synthetic-shop", "customers": 200, "items": 100, "events": 8000, "seed": 1}
SMALL = {"dim": 8, "blocks": 1}
TRAIN = {"max_epochs": 3}
RANKERS = [
    {"name": "lambdamart", "trees": 20},
    {"name": "neural-ranker", **SMALL},
    {"name": "sorting-network", **SMALL},
    "mmr",
]


def experiment(*models, **evaluate):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.6, 0.7, 0.85]},
        "evaluate": {"metrics": ["ndcg@5", "revenue@5"], "bootstrap": 100, "candidates": 30, **evaluate},
        "model": list(models),
    }


def test_every_ranker_serves_after_a_predictor(tmp_path):
    models = [
        {
            "label": f"{at}",
            "predictor": "item-knn",
            "featurizer": {"name": "tf-idf", "columns": ["title"]},
            "rankers": [ranker],
            "ranker_train": TRAIN if ranker in RANKERS[1:3] else {},
        }
        for at, ranker in enumerate(RANKERS)
    ]
    chain = {
        **models[0],
        "label": "both",
        "rankers": RANKERS[:2],
        "ranker_train": TRAIN,
        "filters": [{"name": "item-item-mf", "share": 0.5}],
    }
    store = zoo.bench(experiment({"predictor": "item-knn"}, *models, chain), tmp_path)

    rows = {row.label: row for row in store.rows()}
    assert [row.error for row in rows.values()] == [None] * 6
    lists = {label: store.lists(row) for label, row in rows.items()}
    plain = lists["item-knn"]["items"].to_pylist()
    assert all(lists[label]["items"].to_pylist() != plain for label in "0123")
    recall = {rows[label].slices["candidates"]["recall"] for label in "0123"}
    assert len(recall) == 1  # the same candidates for all of them
    assert rows["both"].slices["candidates"]["recall"] != recall.pop()  # half of the shop is filtered away
    found, asked = rows["0"].slices["candidates"]["informative"]
    assert 0 < found < asked
    report = (tmp_path / "report.md").read_text()
    assert f"| 0 | 30 | {rows['0'].slices['candidates']['recall']:.4f} | {found:,} of {asked:,} |" in report
    assert "| both, seed 0 | neural-ranker |" in report


def test_features_are_chosen_and_constant_ones_are_named(tmp_path):
    model = {
        "predictor": "item-knn", "rankers": [{"name": "neural-ranker", **SMALL}], "ranker_train": TRAIN,
        "candidate_features": {"groups": ["score", "item", "categories"], "categories": ["brand"]},
    }  # fmt: skip
    (row,) = zoo.bench(experiment(model), tmp_path).rows()

    assert row.error is None
    (trained,) = row.rankers
    assert trained["ignored"] == ["item-events", "item-recent"]  # what was seen is no candidate
    assert "| item-events, item-recent |" in (tmp_path / "report.md").read_text()


def test_where_a_filter_leaves_nothing_lists_are_short(tmp_path):
    """One item is left to all, and most of them have it: no list to learn from, and lists of one or none."""
    model = {
        "predictor": "item-knn", "filters": [{"name": "top-popular", "n": 1}], "rankers": [{"name": "lambdamart", "trees": 5}],
    }  # fmt: skip
    kept = {"predictor": "item-knn", "label": "two", "filters": [{"name": "top-popular", "n": 2}], "rankers": ["borda"]}
    none, two = zoo.bench(experiment(model, kept), tmp_path).rows()

    assert "lists is informative: all labels within each list are equal" in none.error
    assert two.error is None
    lengths = [len(items) for items in zoo.bench(experiment(model, kept), tmp_path).lists(two)["items"].to_pylist()]
    assert max(lengths) <= 2
    assert 0 in lengths
