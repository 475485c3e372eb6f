"""The proposal for each real data set: what an expert would ask, and a benchmark that runs as it is, on a sample of the users."""

import tomllib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.load import load_data_experiment
from zoo.data.analysis.analyse import analyse
from zoo.registry.registry import registry_with

pytestmark = pytest.mark.slow

EVENTS = 40_000
"""The events of a sample of users, or so."""
TRAIN = {"max_epochs": 1, "epoch_batches": 5, "threads": 1}
COSTLY = ("ease",)
"""Models whose fit on all items takes minutes."""

LAST = {"policy": "leave-last-out"}
TEMPORAL = {"policy": "temporal", "cuts": [0.8, 0.9]}
OF_SESSIONS = {"policy": "given", "unit": "session"}
NO_VALIDATION = {"policy": "given", "validate_share": 0.1}
NEW, REPEATED = {"exclude_seen": True}, {"exclude_seen": False}
PURCHASES = {"target_events": ["purchase"], "exclude_seen": False}
CASES = {
    "amazon-beauty": (LAST, NEW, 22_363, []),
    "amazon-sports": (LAST, NEW, 35_598, []),
    "amazon-toys": (LAST, NEW, 19_412, []),
    "amazon-musical-instruments": (TEMPORAL, NEW, 367, []),
    "amazon-gift-cards": (LAST, NEW, 211, ["merge-items"]),
    "ml-1m": (LAST, NEW, 6_040, []),
    "ml-100k": (LAST, NEW, 938, ["merge-items"]),
    "online-retail": ({**TEMPORAL, "unit": "basket"}, PURCHASES, 1_155, ["merge-items", "returns"]),
    "complete-journey": ({**TEMPORAL, "unit": "basket"}, REPEATED, 2_097, []),
    "diginetica-sessions": ({**OF_SESSIONS, "validate_share": 0.1}, REPEATED, 60_858, []),
    "yoochoose-100k": (OF_SESSIONS, REPEATED, 10_152, []),
    "gowalla": (NO_VALIDATION, NEW, 29_858, []),
    "yelp2018": (NO_VALIDATION, NEW, 31_668, []),
    "retailrocket-small": ({"policy": "strong-generalisation"}, NEW, 342, ["test-accounts"]),
}
"""Split, rules, test queries and cleaners of each proposal."""


@pytest.mark.parametrize("name", CASES)
def test_a_proposal_asks_what_an_expert_would_and_runs(data_dir, tmp_path, name):
    split, evaluate, queries, cleaners = CASES[name]
    folder = data_dir / name
    items = folder / "items.parquet"
    files = [folder / "interactions.parquet", *([items] if items.exists() else [])]
    report = analyse(load_data_experiment(*files, registry=registry_with()), name, guess=True)
    proposed = tomllib.loads(report.proposal)
    assert proposed["split"] == split
    assert proposed["evaluate"] == evaluate
    assert proposed["data"].get("clean", []) == cleaners
    assert split["policy"] != "given" or "duplicates" not in proposed["data"]  # others measure on these events
    assert report.split.queries["test"] == queries
    result = zoo.bench(on_sample(proposed, tmp_path), out=tmp_path / "results")
    rows = result.rows()
    assert [(row.label, row.error) for row in rows if row.error] == []
    assert {"popular", "item-knn", "als"} <= {row.label for row in rows}
    assert min(row.queries for row in rows) >= 50
    figures = [row.metrics["ndcg@10"][0] for row in rows]
    assert min(figures) > 0


def on_sample(proposed, folder):
    """Return a proposal on a sample of the users, without models that take long and with short trainings."""
    source = dict(proposed["data"]["source"])
    (file,) = source["interactions"]
    events = pq.read_table(file)
    user = events["user_id" if "user_id" in events.column_names else "session_id"]
    share = -(-len(events) // EVENTS)
    number = pc.index_in(user, pc.unique(user))
    kept = pc.equal(pc.subtract(number, pc.multiply(pc.divide(number, share), share)), pa.scalar(0, number.type))
    source["interactions"] = [str(folder / "sample.parquet")]
    pq.write_table(events.filter(kept), folder / "sample.parquet")
    models = [model for model in proposed["model"] if model["predictor"] not in COSTLY]
    return {
        **proposed,
        "data": {**proposed["data"], "source": source},
        "model": models,
        "train": TRAIN,
        "references": False,
    }
