"""How fast lists are made and measured, as a ratio to a bare loop. Prints a JSON line.

    python tests/speed/evaluator.py [FOLDER]     ml-1m by default

From random factors (64 wide) to nine metrics at 10, seen items masked, through the pipeline and the evaluator that a
benchmark uses; against `bare/evaluation.py`, which computes two. Both sides run by turns, several times; the best runs are
compared. Without the data of ZOO_DATA, a log of the same size is generated.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from bare.evaluation import evaluate
from bare.sequences import load
from logs import log_folder

from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl
from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.registry.registry import Registry, default_registry
from zoo.stages.context import RunContext

METRICS = ("hit", "recall", "precision", "ndcg", "mrr", "map", "coverage", "gini", "novelty")
ROUNDS = 3
RUNS = 5


class Factors(Predictor[Params]):
    """Random factors: nothing is learned, all is scored."""

    fitted = ("users", "items")

    def fit(self, data, context):
        generator = context.generator("factors")
        self.users = torch.randn(data.interactions.n_users + 1, 64, generator=generator)
        self.items = torch.randn(data.interactions.n_items + 1, 64, generator=generator)

    def score(self, queries):
        return self.users[torch.from_numpy(queries.users)] @ self.items.T


@hookimpl
def zoo_components():
    """Provide the predictor to the registry, as any single-file plugin does."""
    return [
        ComponentSpec(
            "factors",
            "predictor",
            f"{Path(__file__).stem}:Factors",
            Params,
            "Random factors.",
            capabilities=Capabilities(cold_users=False),
        )
    ]


def prepared(seqs, n_items):
    """Return the pipeline, queries, rules and evaluator of a log whose users' last events are the targets."""
    train, last = [s[:-1] for s in seqs], np.array([s[-1] for s in seqs], np.int32)
    users = np.repeat(np.arange(len(train)), [len(s) for s in train])
    log = Interactions.from_arrays(users, np.concatenate(train), n_items=n_items)
    targets = Targets(np.arange(len(last) + 1), last, ~log.known[last])
    component = Registry.discover([__file__]).find("predictor", "factors")
    model = ResolvedModel("factors", Chosen(component, component.params()))
    pipeline = fit_on_log(model, log, None, RunContext()).pipeline
    metrics = []
    for name in METRICS:
        metric = default_registry().find("metric", name)
        metrics.append(metric.build(metric.params({"k": 10})))
    queries = Queries.of_histories(log, targets)
    return pipeline, queries, Rules(np.arange(n_items + 1) > 0), Evaluator(metrics, Facts.of(log))


def main(folder):
    """Measure both sides by turns and print the ratio."""
    pipeline, queries, rules, evaluator = prepared(*load(folder))
    theirs, lists_s, metrics_s = [], [], []
    for _ in range(ROUNDS):
        theirs.append(evaluate(folder)["users_per_s"])
        for _ in range(RUNS):
            start = time.perf_counter()
            lists = pipeline.recommend(queries, evaluator.k, rules)
            listed = time.perf_counter()
            values = evaluator.evaluate(lists, queries.targets).values
            lists_s.append(listed - start)
            metrics_s.append(time.perf_counter() - listed)
    ours = [len(queries) / (a + b) for a, b in zip(lists_s, metrics_s, strict=True)]
    figures = {
        "what": "evaluator",
        "users": len(queries),
        "users_per_s": round(max(ours)),
        "bare_users_per_s": max(theirs),
        "ratio": round(max(theirs) / max(ours), 3),
        "ratio_of_medians": round(median(theirs) / median(ours), 3),
        "lists_ms": round(min(lists_s) * 1e3, 1),
        "metrics_ms": round(min(metrics_s) * 1e3, 1),
        "threads": torch.get_num_threads(),
        "values": {name: round(value, 5) for name, value in values.items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else log_folder("ml-1m"))
