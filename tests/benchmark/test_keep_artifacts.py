"""A benchmark that keeps what it fitted: the artifacts give its lists again."""

import pyarrow.parquet as pq

import zoo
from zoo.artifacts.saving import load_artifact
from zoo.benchmark.progress import Progress

EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 100, "items": 60, "events": 3000}},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "model": [{"predictor": "transition-graph"}, {"predictor": "random", "filters": ["available"]}],
}


class Watched(Progress):
    def __init__(self):
        self.seen = []

    def finished(self, row, *, resumed):
        self.seen.append((row.label, row.seed, resumed))


def test_artifacts_are_kept_beside_the_rows_and_give_their_lists_again(tmp_path):
    store = zoo.bench(EXPERIMENT, tmp_path / "out", keep_artifacts=True)
    for row in store.rows():
        assert row.error is None
        artifact = load_artifact(store.artifact(row.key))
        lists = pq.read_table(tmp_path / "out" / "runs" / f"{row.key}.parquet").to_pylist()
        for listed in lists[:20]:
            found = artifact.recommend(listed["user_id"], k=5, now=listed["now"])
            assert [item.item_id for item in found] == listed["items"]
            assert [item.score for item in found] == listed["scores"]


def test_a_run_without_its_artifact_is_made_again_and_one_with_it_is_not(tmp_path):
    out = tmp_path / "out"
    store = zoo.bench(EXPERIMENT, out)
    assert not any(store.artifact(row.key).exists() for row in store.rows())
    first, second = Watched(), Watched()
    zoo.bench(EXPERIMENT, out, keep_artifacts=True, progress=first)
    zoo.bench(EXPERIMENT, out, keep_artifacts=True, progress=second)
    assert [resumed for *_, resumed in first.seen] == [False, False]
    assert [resumed for *_, resumed in second.seen] == [True, True]
