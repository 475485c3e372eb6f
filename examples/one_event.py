"""Evaluate models for users with a single known event: each history of `cold-start.toml` is truncated to its last event.

Run it with `ZOO_DATA=path/to/data python examples/one_event.py`; it needs the plugins `baselines`, `mf` and `text`.
"""

from pathlib import Path

import numpy as np

import zoo
from zoo.api import Facts, Queries


def one_event_each(task: zoo.Task) -> Queries:
    """Return the test queries with a history, truncated to the last event."""
    queries = task.queries("test")
    queries = queries.where(queries.lengths > 0)
    last = np.zeros(len(queries.log), np.bool_)
    last[queries.end - 1] = True
    log = queries.log.where(last)
    return Queries(log, queries.row, log.offsets[queries.row + 1], queries.now, queries.users, queries.targets)


def main() -> None:
    """Print recall@10 of each model, with its confidence interval."""
    experiment = zoo.load_experiment(Path(__file__).parent / "cold-start.toml")
    task = zoo.load_task(experiment)
    queries, rules = one_event_each(task), zoo.Rules.of(task)
    evaluator = zoo.Evaluator([metric.build() for metric in experiment.metrics], Facts.of(task.training("test")))
    print(f"{len(queries):,} queries")
    for model in experiment.models:
        if model.trains_in_epochs:  # skip neural models, which take minutes to train
            continue
        pipeline = zoo.Pipeline(model).fit(task)
        result = evaluator.evaluate(pipeline.recommend(queries, evaluator.k, rules), queries.answers())
        low, high = result.intervals["recall@10"]
        print(f"{model.label:20} recall@10 {result.values['recall@10']:.4f} ({low:.4f} to {high:.4f})")


if __name__ == "__main__":
    main()
