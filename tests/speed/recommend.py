"""How fast an artifact answers files of queries, as a ratio to the evaluator. Prints a JSON line a model.

    python tests/speed/recommend.py [FOLDER]     ml-1m by default

The evaluator lists and measures 100,000 queries (the users' last events, users over and over) in the process that
fitted; a fresh process loads the artifact, imports not timed, and answers a parquet file of as many user ids with a
parquet file of lists of 20. Both sides run by turns, and the best runs are compared. Peak memory is that of the fresh
process at 20,000 and at 100,000 queries. Without the data of ZOO_DATA, a log of the same size is generated.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from logs import log_folder

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.list_files import recommend_file
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.benchmark.fits.peak_memory import peak_memory
from zoo.config.load import experiment_from
from zoo.data.task import load_task
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import Pipeline, Rules
from zoo.registry.registry import load

QUERIES, FEWER, K, ROUNDS = 100_000, 20_000, 20, 3
MODELS = [{"name": "ease", "l2": 500.0}, {"name": "als", "factors": 64, "iterations": 15}]
METRICS = ("hit", "recall", "precision", "ndcg", "mrr", "map", "coverage", "gini", "novelty")


def experiment(folder):
    """Return the experiment: the last event of each user tests, everything before trains."""
    source = {"name": "files", "interactions": str(folder / "interactions.parquet")}
    split = {"policy": "leave-last-out", "validation": False}
    raw = {"data": {"source": source, "time": "position"}, "split": split, "model": []}
    raw["model"] = [{"label": model["name"], "predictor": model} for model in MODELS]
    return experiment_from(raw)


def fresh(artifact, queries, out):
    """Load an artifact and answer a file, in a process of its own; return what it measured."""
    call = [sys.executable, __file__, "--fresh", str(artifact), str(queries), str(out)]
    return json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)


def measure(artifact, queries, out):
    """Load and answer, and print what that took."""
    with peak_memory() as peak:
        start = time.perf_counter()
        loaded = load_artifact(artifact)
        load_s = time.perf_counter() - start
        start = time.perf_counter()
        notes = recommend_file(loaded, Path(queries), Path(out), K)
        seconds = time.perf_counter() - start
    print(json.dumps({"load_s": load_s, "per_s": notes.queries / seconds, "peak_mib": peak.mib}))


def main(folder):
    """Measure both sides by turns and print a line a model."""
    settings = experiment(folder)
    task = load_task(settings)
    rules, queries = Rules(task.eligible, task.exclude_seen), task.queries("test")
    places = np.arange(QUERIES) % len(queries)
    many = queries.at(places)
    targets = queries.answers()
    answers = type(targets)(np.arange(QUERIES + 1), targets.items[places], targets.cold[places])
    evaluator = Evaluator([load(name, k=K) for name in METRICS], Facts.of(task.training("test"), task.catalogue))
    users = task.user_ids.take(pa.array(queries.row[places]))
    with TemporaryDirectory() as made:
        made = Path(made)
        for n in (FEWER, QUERIES):
            pq.write_table(pa.table({"user_id": users[:n]}), made / f"{n}.parquet")
        for model in settings.models:
            pipeline = Pipeline(model).fit(task)
            artifact = save_artifact(Artifact.of(pipeline, task), made / model.label)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                lists = pipeline.recommend(many, K, rules)
                evaluator.evaluate(lists, answers)
                theirs.append(QUERIES / (time.perf_counter() - start))
                ours.append(fresh(artifact, made / f"{QUERIES}.parquet", made / "lists.parquet"))
            few = fresh(artifact, made / f"{FEWER}.parquet", made / "few.parquet")
            assert pq.read_table(made / "lists.parquet")["items"][5].as_py() == [
                task.catalogue.ids[i].as_py() for i in lists.items[5].tolist() if i
            ]
            best = max(run["per_s"] for run in ours)
            figures = {
                "what": f"recommend {model.label}",
                "folder": folder.name,
                "per_s": round(best),
                "evaluator_per_s": round(max(theirs)),
                "ratio": round(max(theirs) / best, 3),
                "load_s": round(min(run["load_s"] for run in ours), 3),
                "size_mib": round(sum(f.stat().st_size for f in artifact.iterdir()) / 2**20, 1),
                f"peak_mib_{FEWER}": round(few["peak_mib"]),
                f"peak_mib_{QUERIES}": round(ours[-1]["peak_mib"]),
                "threads": torch.get_num_threads(),
            }
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fresh"]:
        measure(*sys.argv[2:])
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else log_folder("ml-1m"))
