"""Items held out as cold in a benchmark: their own slice, what is said of them, and the key of the rows."""

import zoo

SHOP = {"name": "synthetic-shop", "customers": 400, "items": 300, "events": 12_000}


def run(out, **split):
    return zoo.bench(
        {
            "data": {"source": SHOP},
            "split": {"policy": "temporal", "cuts": [0.8], **split},
            "evaluate": {"metrics": ["recall@10"], "bootstrap": 200},
            "model": [{"predictor": "item-knn"}, {"predictor": "content-knn", "featurizer": "tf-idf"}],
        },
        out,
    )


def test_held_out_items_are_a_slice_in_which_text_beats_chance_and_ids_have_nothing_to_say(tmp_path):
    store = run(tmp_path, cold_items=0.2)
    notes = store.manifest().notes
    assert 40 < notes["items held out as cold"] < 80
    assert notes["their events before the test, left out"] > 1000
    ids, text = store.rows()
    cold = text.slices["cold"]
    assert cold["items"] >= notes["items held out as cold"]
    assert cold["queries"] > 100
    assert cold["metrics"]["recall@10"][1] > cold["floor"]["recall@10"]
    assert ids.slices["cold"]["metrics"]["recall@10"][0] == 0
    report = (tmp_path / "report.md").read_text()
    assert "20 % of the items held out as cold" in report
    assert f"- items held out as cold: {notes['items held out as cold']}" in report


def test_rows_of_other_held_out_items_are_rows_of_another_task(tmp_path):
    tasks = [
        run(tmp_path / name, **split).manifest().task
        for name, split in {"none": {}, "some": {"cold_items": 0.2}, "others": {"cold_items": 0.2, "seed": 1}}.items()
    ]
    assert len(set(tasks)) == 3
