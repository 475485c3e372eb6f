"""How long `zoo report` takes for many runs, its peak memory, and the size of its page. Prints a JSON line for each folder.

    python tests/speed/report.py [RUNS] [QUERIES]     200 runs of 20,000 queries by default

A folder of results is generated: models of three seeds, seven metrics, networks with histories, lists of
ten of 5,000 items, facts about the queries and sampled users. `zoo report` runs in a process of its own, with imports. The bars
are 20 seconds, 1 GiB and 15 MB.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.report import markdown
from zoo.evaluation.intervals import query_intervals

ITEMS, K, USERS = 5000, 10, 20
METRICS = {
    "ndcg@10": True,
    "recall@10": True,
    "hit@10": True,
    "mrr@10": True,
    "novelty@10": None,
    "revenue@10": True,
    "map@10": True,
}
MACHINE = {"processor": "p", "cores": 2, "memory_mib": 16000, "threads": 2, "gpu": None, "system": "Linux"}
VERSIONS = dict.fromkeys(
    ("python", "torch", "pytorch-lightning", "torchmetrics", "datasets", "numpy", "scipy", "pyarrow"), "1.2.3"
)


def generate(folder, n_runs, n_queries):
    """Write a folder of results."""
    rng = np.random.default_rng(0)
    seeded = n_runs // 3  # models of three seeds; what remains has one run
    runs = [(f"net-{at // 3}", at % 3) for at in range(3 * seeded)]
    runs += [(f"model-{at}", None) for at in range(n_runs - 3 * seeded)]
    experiment = {
        "data": {"source": {"name": "shopzoo/files", "interactions": ["events.parquet"]}},
        "split": {"policy": "temporal", "cuts": [0.8, 0.9]},
        "evaluate": {"exclude_seen": True, "target_events": ["purchase"], "fallback": "popular"},
        "train": {"refit": True},
        "model": [],
    }
    entries = [{"label": label, "seed": seed, "key": f"k{at}"} for at, (label, seed) in enumerate(runs)]
    store = Store(folder)
    store.open(BenchmarkManifest("task", {}, {"events": 10**6}, METRICS, experiment, entries))
    ids = pa.array([f"item-{at:05}" for at in range(ITEMS)])
    difficulty = rng.beta(0.6, 3, n_queries)
    chance = (rng.zipf(1.3, 4 * n_queries * K) - 1) % ITEMS  # popular items are in many lists
    for at, (label, seed) in enumerate(runs):
        skill = 0.5 + 0.5 * (hash_of(label) % 1000) / 1000
        hit = rng.random(n_queries) < difficulty * skill
        values = {name: np.where(hit, rng.random(n_queries), 0).astype(np.float32) for name in METRICS}
        values["hit@10"] = hit.astype(np.float32)
        values["novelty@10"] = rng.normal(9, 1, n_queries).astype(np.float32)
        items = chance[rng.integers(0, len(chance), n_queries * K)]
        lists = pa.ListArray.from_arrays(np.arange(n_queries + 1, dtype=np.int32) * K, ids.take(pa.array(items)))
        ends = query_intervals(np.stack([v.astype(np.float64) for v in values.values()], axis=1))
        metrics = {name: [float(v.mean()), *end] for (name, v), end in zip(values.items(), ends, strict=True)}
        history = [{"epoch": n, "loss": 9 / n, "value": 0.3 - 0.2 / n, "seconds": 2.0 * n} for n in range(1, 41)]
        training = {
            "epochs": 35,
            "seconds": 80.0,
            "monitor": "ndcg@10",
            "stopped": "patience",
            "seconds_to_best": 70.0,
            "history": history,
            "refits": [],
        }
        row = Row(
            f"k{at}", label, seed, {"predictor": {"name": f"shopzoo-x/{label}", **{f"parameter_{n}": n / 7 for n in range(20)}}},
            metrics=metrics, queries=n_queries, fit_seconds=float(rng.lognormal(2, 2)), training={} if seed is None else training,
            recommend_per_second=float(rng.lognormal(8, 1)), p50_ms=float(rng.lognormal(0, 1)), p99_ms=3.0, peak_memory_mib=float(rng.lognormal(7, 0.5)),
            versions=VERSIONS, machine=MACHINE,
        )  # fmt: skip
        columns = {
            "user_id": pa.array([f"u{n:06}" for n in range(n_queries)]),
            "now": pa.array(np.arange(n_queries)),
            "items": lists,
        }
        path = folder / "runs" / f"k{at}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({**columns, **values}), path, compression="zstd")
        path.with_suffix(".json").write_text(json.dumps(row.__dict__))
    write_facts(folder, rng, n_queries)
    store.compose(markdown)


def hash_of(label):
    """Return a number of a label that is the same in each process."""
    return int.from_bytes(label.encode(), "big")


def write_facts(folder, rng, n_queries):
    """Write the facts about the queries, and the sampled users."""
    facts = {
        "user_id": [f"u{n:06}" for n in range(n_queries)],
        "now": pa.array(
            1_700_000_000_000 + np.sort(rng.integers(0, 10 * 86_400_000, n_queries)), pa.timestamp("ms", "UTC")
        ),
        "history": [f"{n} to {n + 9} events" for n in 10 * rng.integers(0, 6, n_queries)],
        "user": np.where(rng.random(n_queries) < 0.1, "new", "known").tolist(),
        "popularity": rng.choice(["head", "mixed", "tail"], n_queries).tolist(),
        "category": [f"category {n}" for n in rng.integers(0, 12, n_queries)],
    }
    groups = {name: sorted(set(facts[name])) for name in ("history", "user", "popularity")}
    table = pa.table(facts).replace_schema_metadata({"groups": json.dumps(groups)})
    pq.write_table(table, folder / "queries.parquet", compression="zstd")
    users = [
        {
            "query": 7 * n, "user": f"u{7 * n:06}", "now": "2024-01-01 00:00", "events": 30,
            "history": [{"item": f"item-{at:05}", "event": "view", "time": "2023-12-31 12:00"} for at in range(n, n + 20)],
            "targets": [f"item-{n:05}"],
        }
        for n in range(USERS)
    ]  # fmt: skip
    items = {
        f"item-{n:05}": {
            "title": f"The title of item {n}, which has some words",
            "price": n / 7,
            "category": "category 3",
        }
        for n in range(ITEMS)
    }
    (folder / "sample_users.json").write_text(json.dumps({"users": users, "items": items}))


def measure(folder):
    """Run `zoo report` in a process of its own and return its seconds, its peak memory and the size of the page."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "zoo", "report", str(folder)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    size = (folder / "report.html").stat().st_size / 1e6
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "html_mb": round(size, 1),
    }


if __name__ == "__main__":
    n_runs, n_queries = (
        (int(x) for x in (*sys.argv[1:], "200", "20000")[:2]) if len(sys.argv) != 2 else (int(sys.argv[1]), 20_000)
    )
    with TemporaryDirectory() as name:
        generate(Path(name), n_runs, n_queries)
        found = measure(Path(name))
    ok = found["seconds"] <= 20 and found["peak_mib"] <= 1024 and found["html_mb"] <= 15
    print(json.dumps({"runs": n_runs, "queries": n_queries, **found, "bars": "held" if ok else "missed"}))
