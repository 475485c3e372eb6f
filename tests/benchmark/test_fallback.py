"""The fallback in a benchmark: what it changes, what the report says of it, and what never uses it."""

import numpy as np
import pytest

import zoo
from zoo.errors import ConfigError, ResultsError

SHOP = {"name": "synthetic-shop", "customers": 300, "items": 80, "events": 3000, "new_items": 0.4}
TEXT = {"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}}


def experiment(*models, **evaluate):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.6]},
        "evaluate": {"metrics": ["ndcg@10", "recall@10"], "bootstrap": 100, **evaluate},
        "model": list(models),
    }


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return a benchmark with each fallback."""
    folder = tmp_path_factory.mktemp("fallback")
    models = ["popular", "item-knn", {"name": "als", "factors": 8}]
    ranked = {"label": "ranked", **TEXT, "rankers": ["mmr"]}
    return {
        name: zoo.bench(experiment(*({"predictor": m} for m in models), TEXT, ranked, fallback=name), folder / name)
        for name in ("popular", "none")
    }


def per_query(stores, fallback, label):
    """Return ndcg@10, items and scores of each query."""
    store = stores[fallback]
    (row,) = [row for row in store.rows() if row.label == label]
    assert row.error is None
    table = store.lists(row)
    return row, table["ndcg@10"].to_numpy(), table["items"].to_pylist(), table["scores"].to_pylist()


@pytest.mark.parametrize("label", ["item-knn", "als", "content-knn", "ranked"])
def test_queries_without_a_history_get_popular_items_and_the_others_their_own(stores, label):
    _, _, popular, _ = per_query(stores, "popular", "popular")  # all events weigh 1, so that it counts events
    row, values, items, scores = per_query(stores, "popular", label)
    bare, without, own, _ = per_query(stores, "none", label)
    new = np.array([not found for found in own])
    notes = stores["popular"].manifest().notes
    assert new.sum() == notes["test: queries of new users"] > 20
    for at in np.flatnonzero(new):
        assert items[at] == popular[at]
        assert scores[at] == [None] * 10
    assert [items[at] for at in np.flatnonzero(~new)] == [own[at] for at in np.flatnonzero(~new)]
    assert not without[new].any()
    assert values[~new].tolist() == without[~new].tolist()
    assert row.filled >= new.mean()
    assert row.filled == pytest.approx(np.mean([[score is None for score in found] for found in scores]))
    assert bare.filled == 0
    assert row.metrics["ndcg@10"][0] > bare.metrics["ndcg@10"][0]


def test_cold_items_and_candidates_are_measured_without_it(stores):
    for label in ("content-knn", "ranked"):
        rows = [per_query(stores, name, label)[0] for name in ("popular", "none")]
        assert rows[0].slices["cold"] == rows[1].slices["cold"]
    assert rows[0].slices["candidates"] == rows[1].slices["candidates"]


def test_the_report_states_the_share_of_filled_slots_and_the_rule(stores):
    report, bare = ((stores[name].folder / "report.md").read_text() for name in ("popular", "none"))
    share = next(row.filled for row in stores["popular"].rows() if row.label == "als")
    (line,) = [line for line in report.splitlines() if line.startswith("Slots filled by popularity")]
    assert f"als {100 * share:.1f} %" in line
    assert " popular " not in line.partition(": ")[2]
    assert "empty slots filled by popularity" in report
    assert "Slots filled" not in bare
    assert "empty slots count as misses" in bare


def test_results_with_another_fallback_are_another_task(stores):
    with pytest.raises(
        ResultsError, match=r"they differ in evaluate\.fallback\. Rows of two tasks cannot be compared\. Choose"
    ):
        zoo.bench(experiment({"predictor": "popular"}), stores["none"].folder)


def test_another_value_is_refused_with_the_choices(tmp_path):
    with pytest.raises(ConfigError, match=r"evaluate\.fallback: .*'popular' or 'none'"):
        zoo.bench(experiment({"predictor": "popular"}, fallback="random"), tmp_path)
