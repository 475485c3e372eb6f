"""How long models of large catalogues take, in how much memory, and how good their lists are. Prints JSON lines.

    python tests/speed/catalogue.py                                 10,000 and 100,000 items, all models
    python tests/speed/catalogue.py 1000000 --models als item-knn   a million items, users, and 20 million events

The log is generated with a known structure (`structure.py`), with as many users as items and 20 events for each. The last event of a
user is the target; 10,000 users are asked, all items are ranked, those of the history are left out. The first line of a size has
NDCG@10 of the best possible lists, of lists that know the title's theme alone, and of the most popular items. Each model is then
fitted and asked in a fresh process, whose peak is what the kernel says it was, log included; `gain` is its NDCG@10 above the most popular items, as a
share of what the best possible lists gain. Processor seconds are of all threads: what another load on the machine leaves alone.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bare.sequences import hr_ndcg
from structure import Structure, generate

QUERIES, K, SEED = 10_000, 10, 0
SAMPLED = {"loss": "sampled-softmax", "negatives": 512, "sparse_updates": True}
MODELS = {
    "popular": {},
    "als": {},
    "item-knn": {},
    "content-knn": {},
    "elsa": {"dim": 64},
    "sasrec": {**SAMPLED, "length": 30},
}
"""The parameters of each model; the others have their defaults."""
EPOCHS = {"elsa": 10, "sasrec": 3}
TRAIN = {"sasrec": {"batch_size": 512}}


def write(n: int, folder: Path) -> dict[str, float]:
    """Generate a log, write what a model reads, and return the NDCG@10 of lists that know the structure."""
    structure, user, item, taste = generate(n, n, SEED)
    rng = np.random.default_rng(SEED + 1)
    last = np.flatnonzero(np.append(np.diff(user) > 0, True))
    training = np.ones(len(user), np.bool_)
    training[last] = False
    asked = np.sort(rng.choice(n, min(QUERIES, n), replace=False))
    np.save(folder / "users.npy", user[training].astype(np.int32))
    np.save(folder / "items.npy", item[training].astype(np.int32))
    np.save(folder / "asked.npy", asked)
    np.save(folder / "targets.npy", item[last[asked]])
    pq.write_table(pa.table({"title": structure.titles(rng)}), folder / "titles.parquet")
    starts = np.append(0, last[:-1] + 1)
    histories = [item[starts[u] : last[u]] for u in asked]
    return {"events": int(training.sum()), **bounds(structure, taste[asked], histories, item[last[asked]], rng)}


def bounds(
    structure: Structure, tastes: np.ndarray, histories: list[np.ndarray], targets: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """Return NDCG@10 of the best lists, of lists by theme and of the most popular items."""
    lists = {
        "best": [structure.best(taste, seen, K) for taste, seen in zip(tastes, histories, strict=True)],
        "theme": [structure.same_theme(taste, seen, K, rng) for taste, seen in zip(tastes, histories, strict=True)],
        "popular": [structure.popular(seen, K) for seen in histories],
    }
    padded = {name: np.stack([np.pad(found, (0, K - len(found))) for found in each]) for name, each in lists.items()}
    return {f"ndcg_{name}": hr_ndcg(found, targets)[1] for name, found in padded.items()}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Fit a model on the log of a folder, and ask it for lists."""
    from zoo.config.chosen import Chosen
    from zoo.data.catalogue import Catalogue
    from zoo.data.interactions import Interactions
    from zoo.data.queries import Queries
    from zoo.pipeline import Pipeline, Rules
    from zoo.pipeline.fitting import fit_on_log
    from zoo.registry.registry import default_registry
    from zoo.stages.context import RunContext

    users, items, asked, targets = (np.load(folder / f"{part}.npy") for part in ("users", "items", "asked", "targets"))
    titles = pq.read_table(folder / "titles.parquet")
    n = len(titles) - 1
    log = Interactions.from_arrays(users, items, n_items=n, n_users=n)
    catalogue = Catalogue.bare(n)
    model = Pipeline.of(name, **MODELS[name]).model
    model = replace(model, train=model.train.model_copy(update=TRAIN.get(name, {})))
    if name == "content-knn":
        featurizer = default_registry().find("featurizer", "tf-idf")
        model = replace(model, featurizers=(Chosen(featurizer, featurizer.params({"columns": ["title"]})),))
        catalogue = Catalogue(catalogue.ids, titles)
    del users, items
    base, start, used = peak_gib(), time.perf_counter(), cpu_seconds()
    context = RunContext(SEED, epochs=EPOCHS.get(name))
    pipeline = fit_on_log(model, log, catalogue, context).pipeline
    fitted, fit_cpu, fit_peak = time.perf_counter(), cpu_seconds(), peak_gib()
    lists = pipeline.recommend(Queries.of_histories(log).at(asked), K, Rules(np.arange(n + 1) > 0))
    end, end_cpu = time.perf_counter(), cpu_seconds()
    return {
        **MODELS[name],
        **({"epochs": EPOCHS[name]} if name in EPOCHS else {}),
        "fit_s": round(fitted - start, 1),
        "fit_cpu_s": round(fit_cpu - used, 1),
        "events_per_s": round(len(log) * EPOCHS.get(name, 1) / (fitted - start)),
        "lists_s": round(end - fitted, 1),
        "lists_cpu_s": round(end_cpu - fit_cpu, 1),
        "users_per_s": round(len(asked) / (end - fitted)),
        "log_gib": round(base, 2),
        "fit_peak_gib": round(fit_peak, 2),
        "peak_gib": round(peak_gib(), 2),
        "ndcg": hr_ndcg(lists.items.numpy(), targets)[1],
    }


def peak_gib() -> float:
    """Return the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def cpu_seconds() -> float:
    """Return the processor time that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Generate each size, and measure each model on it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--folder", type=Path, help="keep the generated logs here, and use those that are there")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], Path(options.measure[1]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        for n in options.items:
            folder = (options.folder or Path(temporary)) / str(n)
            known = folder / "bounds.json"
            if not known.exists():
                folder.mkdir(parents=True, exist_ok=True)
                known.write_text(json.dumps(write(n, folder)))
            found = json.loads(known.read_text())
            print(json.dumps({"items": n, **found}), flush=True)
            for name in options.models:
                command = [sys.executable, __file__, "--measure", name, str(folder)]
                line = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.splitlines()[-1])
                gain = (line["ndcg"] - found["ndcg_popular"]) / (found["ndcg_best"] - found["ndcg_popular"])
                print(json.dumps({"items": n, "model": name, **line, "gain": round(gain, 3)}), flush=True)


if __name__ == "__main__":
    main()
