"""Compare models in Python, step by step: a log, a split, a pipeline, an evaluator.

Run it with `python examples/compare_in_python.py`; it needs the plugins `baselines` and `mf`, but no data.
"""

import numpy as np

import zoo
from zoo.api import Facts


def log_of_two_tastes() -> zoo.Interactions:
    """Return 20,000 events of 500 users, half of whom prefer even items and half odd items."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, 500, 20_000)
    items = 2 * rng.integers(1, 100, 20_000) - (users + (rng.random(20_000) < 0.1)) % 2
    return zoo.Interactions.from_arrays(users, items, np.arange(20_000), n_items=200)


def main() -> None:
    """Print NDCG@10 of three models."""
    task = zoo.Task.of(log_of_two_tastes(), zoo.Temporal(cuts=[0.8]))
    queries, rules = task.queries("test"), zoo.Rules.of(task)
    evaluator = zoo.Evaluator([zoo.load("ndcg", k=10), zoo.load("recall", k=10)], Facts.of(task.training("test")))
    for name, params in {"popular": {}, "item-knn": {"k": 50}, "ease": {"l2": 100.0}}.items():
        pipeline = zoo.Pipeline.of(name, **params).fit(task)
        lists = pipeline.recommend(queries, 10, rules)
        result = evaluator.evaluate(lists, queries.answers())
        low, high = result.intervals["ndcg@10"]
        print(f"{name:10} ndcg@10 {result.values['ndcg@10']:.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
