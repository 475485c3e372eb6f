"""A small benchmark of a shop with a network, its page, and a folder of hostile texts."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store

EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 80, "items": 40, "events": 2000}},
    "split": {"policy": "temporal", "cuts": [0.6, 0.8]},
    "evaluate": {
        "metrics": ["ndcg@5", "hit@5", "coverage@5", "novelty@5"],
        "bootstrap": 100,
        "target_events": ["purchase"],
    },
    "train": {"seeds": [0, 1, 2], "device": "cpu", "threads": 1, "refit": False},
    "references": False,
    "model": [
        {"predictor": "popular"},
        {"predictor": "item-knn"},
        {"predictor": "random"},
        {
            "label": "net",
            "predictor": {"name": "sasrec", "dim": 8, "length": 5, "blocks": 1},
            "train": {"max_epochs": 2},
        },
    ],
}


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """Return the results of a benchmark with a deterministic model, a model of three seeds and a network."""
    return zoo.bench(EXPERIMENT, tmp_path_factory.mktemp("shop") / "results")


@pytest.fixture(scope="session")
def page(results, tmp_path_factory):
    """Return the path of the report of the benchmark."""
    return zoo.report(results, out=tmp_path_factory.mktemp("page") / "report.html")


EVIL = '</script></style><script>alert(1)</script><img src=x onerror=alert(2)>" onload="alert(3)\' {{ 711 * 711 }} ]]>--><!-- \u202e\x1b[2J\ud800'
MACHINE = {"processor": EVIL, "cores": 2, "memory_mib": 1, "threads": 2, "gpu": None, "system": EVIL}


@pytest.fixture
def hostile(tmp_path):
    """Return a folder as somebody else may have written it."""
    experiment = {
        "data": {"source": {"name": "shopzoo/files", "interactions": [EVIL]}},
        "split": {"policy": "leave-last-out"},
        "evaluate": {"exclude_seen": [EVIL], "target_events": None},
        "train": {"refit": False},
        "model": [{"label": EVIL, "predictor": {"name": EVIL}, "featurizers": [], "filters": [], "rankers": []}],
    }
    store = Store(tmp_path)
    finding = {"number": 1, "name": EVIL, "found": f"`{EVIL}`", "effect": EVIL, "remedy": EVIL}
    runs = [{"label": EVIL, "seed": 0, "key": "k"}, {"label": f"{EVIL}2", "seed": None, "key": "f"}]
    store.open(
        BenchmarkManifest(
            EVIL, {}, {EVIL: EVIL}, {"ndcg@10": True, EVIL: False}, experiment, runs, findings=[finding], hints=[EVIL]
        )
    )
    history = [{"epoch": n, "loss": 1.0 / n, "value": 0.1 * n, "seconds": 1.0} for n in (1, 2)]
    for label, key, seed in ((EVIL, "k", 0), (f"{EVIL}2", "f", None)):
        store.add(
            Row(
                key, label, seed, {"predictor": {"name": EVIL, EVIL: EVIL}}, metrics={"ndcg@10": [0.5, 0.4, 0.6], EVIL: [0.5, 0.4, 0.6]},
                training={"monitor": EVIL, "epochs": 2, "stopped": EVIL, "seconds": 1.0, "history": history, "refits": []},
                rankers=[{"name": EVIL, "epochs": 2, "history": history, "ignored": []}],
                fit_seconds=1.0, p50_ms=1.0, peak_memory_mib=1.0, versions={EVIL: EVIL}, machine=MACHINE, notes=[EVIL], queries=2,
            ),
            pa.table({"items": [["a"], ["b"]], "ndcg@10": [0.5, 0.4], EVIL.encode("utf-8", "replace").decode(): [0.5, 0.4]}),
        )  # fmt: skip
    text = EVIL.encode("utf-8", "replace").decode()
    facts = pa.table({"now": [0, 1], "history": [text, "b"], "category": ["a", text]})
    pq.write_table(
        facts.replace_schema_metadata({"groups": json.dumps({"history": [text, "b"]})}), tmp_path / "queries.parquet"
    )
    user = {
        "query": 0,
        "user": EVIL,
        "now": EVIL,
        "events": 1,
        "history": [{"item": EVIL, "event": EVIL, "time": EVIL}],
        "targets": [EVIL],
    }
    items = {EVIL: {"title": EVIL, "price": 1.0, "category": EVIL}, "a": {"title": EVIL}}
    (tmp_path / "sample_users.json").write_text(json.dumps({"users": [user], "items": items}))
    return store
