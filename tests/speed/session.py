"""How long one answer takes in Python for a session of item ids, as a ratio to the predictor's own time. Prints a JSON line a model.

    python tests/speed/session.py [ITEMS]     5,000 items by default

The predictor's own time is that of `predictor.recommend` for the same session: numbers, exclusions and tensors are there
already. The answer is `artifact.recommend(history=[...], k=10)` up to the item ids, plain and with rules. Both sides run by
turns over 300 sessions on one thread; medians of the processor time are compared, so that other programs count little. The log is drawn here: 3,000 users, 20 events each, a few popular items.
"""

import json
import sys
import time

import numpy as np
import torch

import zoo
from zoo.api import Queries
from zoo.config.load import experiment_from
from zoo.pipeline import Pipeline
from zoo.stages.candidates import Exclusions

USERS, EVENTS, SESSIONS, LENGTH, K = 3_000, 20, 300, 5, 10
MODELS = ["ease", "als", "sasrec"]


def draw_log(n_items):
    """Return a log with a catalogue that says what is in stock."""
    rng = np.random.default_rng(0)
    items = np.minimum(rng.zipf(1.3, USERS * EVENTS), 10 * n_items) % n_items
    items[:n_items] = np.arange(n_items)
    events = {
        "user_id": np.repeat(np.arange(USERS), EVENTS),
        "item_id": items.astype(str),
        "timestamp": 1_700_000_000_000 + rng.integers(0, 10**10, USERS * EVENTS),
    }
    return zoo.read_log(events, {"item_id": np.arange(n_items).astype(str), "in_stock": rng.random(n_items) < 0.8})


def median_ms(calls):
    """Return the median time of calls in milliseconds, for each kind of call by turns."""
    times = {name: [] for name in calls[0]}
    for call in calls:
        for name, run in call.items():
            start = time.process_time()
            run()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def _calls(artifact, history, always):
    """Return the calls to measure for a session."""
    predictor = artifact.pipeline.predictor
    numbers = np.array([artifact.item_numbers[item] for item in history], np.int32)
    n_items = len(artifact.catalogue) - 1
    log = zoo.Interactions.from_arrays(np.zeros(LENGTH, np.int64), numbers, n_items=n_items, n_users=1)
    query = Queries.of_histories(log)
    excluded = Exclusions(always, torch.zeros(LENGTH, dtype=torch.int64), torch.from_numpy(numbers).long())

    def own():
        with torch.inference_mode():
            predictor.recommend(query, K, excluded)

    rules = {"exclude": history[:1], "where": {"in_stock": True}}
    return {
        "own": own,
        "answer": lambda: artifact.recommend(history=history, k=K)[0],
        "with_rules": lambda: artifact.recommend(history=history, k=K, **rules)[0],
    }


def main(n_items):
    """Measure and print a line a model."""
    torch.set_num_threads(1)
    data = draw_log(n_items)
    task = zoo.Task.of(data.log, zoo.LeaveLastOut(), catalogue=data.catalogue, user_ids=data.user_ids)
    raw = {
        "data": {"source": "synthetic-shop"},
        "train": {"max_epochs": 1},
        "model": [{"predictor": m} for m in MODELS],
    }
    rng = np.random.default_rng(1)
    for model in experiment_from(raw).models:
        artifact = zoo.Artifact.of(Pipeline(model).fit(task), task)
        retrieval = artifact.pipeline.retrieval
        always = torch.from_numpy(np.flatnonzero(~(artifact.rules.eligible & retrieval.known)))
        calls = [
            _calls(artifact, rng.integers(0, n_items, LENGTH).astype(str).tolist(), always) for _ in range(SESSIONS)
        ]
        median_ms(calls[:20])
        found = median_ms(calls)
        figures = {f"{name}_p50_ms": round(value, 3) for name, value in found.items()}
        ratios = {
            name: round(found[key] / found["own"], 2)
            for name, key in (("ratio", "answer"), ("ratio_with_rules", "with_rules"))
        }
        print(
            json.dumps(
                {
                    "what": f"session {model.label}",
                    "items": n_items,
                    **figures,
                    **ratios,
                    "threads": torch.get_num_threads(),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
