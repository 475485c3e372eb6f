"""Compare models with `tf-idf` on cold items: paired differences over three random draws of cold items.

Run it with `ZOO_DATA=path/to/data python examples/cold_pairs.py`; it needs the plugins `cnn` and `text`, and takes about ten
minutes per draw on one core. Fitted models are saved in `runs/cold-pairs`, so the same command resumes an interrupted run.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import zoo
from zoo.api import Facts, Queries

BASE, OTHERS = "tf-idf", ("tf-idf, near events", "text-cnn, near events", "both, near events")
METRICS = ("recall@10", "ndcg@10")
DRAWS = (0, 1, 2)


def mean_difference(difference: NDArray[np.float64], user: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean of differences `[N]` and half the width of its 95 % interval, clustered by user."""
    of_user = np.bincount(user, difference - difference.mean())
    return float(difference.mean()), float(1.96 * np.sqrt((of_user**2).sum()) / len(difference))


def cold_queries(task: zoo.Task) -> tuple[Queries, zoo.Rules]:
    """Return the test queries with a cold target, and rules that allow only cold items."""
    queries, targets = task.queries("test"), task.queries("test").answers()
    targets = targets.where(targets.cold)
    eligible = task.eligible & ~task.training("test").known
    return replace(queries, targets=targets).where(targets.counts > 0), zoo.Rules(eligible, task.exclude_seen)


def main() -> None:
    """Print each model's metrics on cold items, and their differences from `tf-idf`."""
    values: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    users = []
    for draw in DRAWS:
        overrides = ["split.cold_items=0.1", f"split.seed={draw}", f"train.seeds=[{draw}]"]
        experiment = zoo.load_experiment(Path(__file__).parent / "cold-start.toml", overrides)
        models = tuple(model for model in experiment.models if model.label in (BASE, *OTHERS))
        store = zoo.bench(replace(experiment, models=models), f"runs/cold-pairs/{draw}", keep_artifacts=True)
        task = zoo.load_task(experiment)
        queries, rules = cold_queries(task)
        users.append(queries.row)
        facts = Facts.of(task.training("test"), task.catalogue, task.eligible)
        evaluator = zoo.Evaluator([zoo.load("recall", k=10), zoo.load("ndcg", k=10)], facts)
        for row in store.rows():
            pipeline = zoo.load_artifact(store.artifact(row.key)).pipeline
            found = evaluator.evaluate(pipeline.recommend(queries, evaluator.k, rules), queries.answers())
            for metric in METRICS:
                values.setdefault((row.label, metric), []).append(np.asarray(found.per_query[metric], np.float64))
    user = np.concatenate(users)
    for metric in METRICS:
        base = np.concatenate(values[BASE, metric])
        print(f"{metric} {BASE:22} {base.mean():.4f}, {len(base):,} queries")
        for label in OTHERS:
            own = np.concatenate(values[label, metric])
            mean, half = mean_difference(own - base, user)
            print(f"{metric} {label:22} {own.mean():.4f} {mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})")


if __name__ == "__main__":
    main()
