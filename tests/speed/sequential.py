"""How fast `sasrec` trains and answers, as ratios to a bare loop. Prints a JSON line for each measurement.

    python tests/speed/sequential.py [epochs | quality | query | large ...]     all but `quality` by default

- `epochs`: seconds of a training epoch (1 block, width 64, batch 128) on amazon-beauty and ml-1m, full and sampled
  softmax, against `bare/sasrec.py`; both by turns, medians compared.
- `quality`: seconds of training until the validation NDCG@10 of .0590 on amazon-beauty, against the bare loop; about a
  quarter of an hour.
- `query`: the ten best items for one user of ml-1m, against the network's own forward pass, product and top-k.
- `large`: a million items, a million users, ten million events: events a second under row-wise updates, and memory.

Without the data of ZOO_DATA, logs of the same sizes are generated, on which `quality` cannot be measured. Wants an otherwise
idle machine.
"""

import json
import resource
import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from bare.calls import call
from bare.sequences import load
from logs import log_folder

import zoo
from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import FittedPipeline, Pipeline, Rules
from zoo.pipeline.retrieval import Retrieval
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData

WANTED = 0.0590


def training_log(sequences, n_items, left_out=2):
    """Return the events of all users but their last ones."""
    users = np.repeat(np.arange(len(sequences)), [len(s) - left_out for s in sequences])
    return Interactions.from_arrays(users, np.concatenate([s[:-left_out] for s in sequences]), n_items=n_items)


def fitted(log, epochs, settings, validate=None, **params):
    """Return a `sasrec` trained for some epochs, and when each epoch ended."""
    predictor, ends = zoo.load("sasrec", **params), [time.perf_counter()]
    context = RunContext(
        epochs=epochs,
        progress=lambda done, total, note="": ends.append(time.perf_counter()),
        validate=validate,
        training=TrainingEnvironment(settings=NetworkSettings(**settings)),
    )
    predictor.fit(TrainingData.of(log), context)
    return predictor, np.array(ends)


def epochs():
    """Compare the seconds of an epoch."""
    for name, length in (("amazon-beauty", 50), ("ml-1m", 200)):
        log = training_log(*load(log_folder(name)))
        for loss, theirs_name in (("sampled-softmax", "sampled"), ("softmax", "softmax")):
            for precision in ("32", "bf16"):
                us, them = [], []
                for _ in range(2):
                    them.append(
                        call("sasrec", log_folder(name).resolve(), length, theirs_name, 3, 1, 64, 0.2, 128)["epoch_s"]
                    )
                    settings = {"batch_size": 128, "learning_rate": 1e-3, "precision": precision}
                    own = {"loss": loss, "logq": False, "windows": "last"}  # the bare loop reads the latest events only
                    _, ends = fitted(log, 4, settings, blocks=1, length=length, dropout=0.2, **own)
                    us.append(median(np.diff(ends)[1:]))
                figures = {"what": "epoch", "data": name, "loss": loss, "precision": precision}
                figures |= {"epoch_s": round(median(us), 2), "bare_epoch_s": round(median(them), 2)}
                figures |= {"rows_per_s": round((log.lengths >= 2).sum() / median(us))}
                print(json.dumps({**figures, "ratio": round(median(us) / median(them), 2)}), flush=True)


def serving(predictor, log):
    """Return the pipeline of a fitted `sasrec`."""
    model, known_users = Pipeline.of("sasrec").model, np.arange(log.n_users + 1) > 0
    return FittedPipeline(model, Retrieval.of(model, predictor, [], log.known, known_users))


def quality():
    """Compare the seconds of training until a validation NDCG@10."""
    folder = log_folder("amazon-beauty")
    if folder.name != "amazon-beauty":
        print(json.dumps({"what": "quality", "skipped": "ZOO_DATA has no amazon-beauty"}))
        return
    sequences, n_items = load(folder)
    log = training_log(sequences, n_items)
    targets = Targets(
        np.arange(len(sequences) + 1), np.array([s[-2] for s in sequences], np.int32), np.zeros(len(sequences), bool)
    )
    queries = replace(Queries.of_histories(log), targets=targets)
    metric = zoo.load("ndcg", stage="metric", k=10)
    evaluator = Evaluator([metric], Facts.of(log, Catalogue.bare(n_items), log.known, None), resamples=0)
    found = call("sasrec", folder.resolve(), 50, "softmax", 30, 2, 64, 0.6, 256)["valid"]
    bare_s = next((seconds for seconds, _, ndcg in found if ndcg >= WANTED), None)
    print(json.dumps({"what": "quality", "bare": [(s, ndcg) for s, _, ndcg in found]}), flush=True)
    for precision in ("32", "bf16"):
        trained, reached = [0.0, time.perf_counter()], []

        def validate(predictor, trained=trained, reached=reached):
            trained[0] += time.perf_counter() - trained[1]
            pipeline = serving(predictor, log)
            value = evaluator.evaluate(pipeline.recommend(queries, 10, Rules(log.known)), targets).values["ndcg@10"]
            reached.append((round(trained[0], 1), round(value, 4)))
            trained[1] = time.perf_counter()
            return 1.0 if value >= WANTED else value

        settings = {"batch_size": 256, "learning_rate": 1e-3, "precision": precision, "patience": 1, "max_epochs": 60}
        fitted(log, None, settings, validate, blocks=2, length=50, dropout=0.6)
        figures = {"what": "quality", "precision": precision, "reached": reached[-2:], "epochs": len(reached)}
        if bare_s and reached[-1][1] >= WANTED:
            figures |= {"s": reached[-1][0], "bare_s": bare_s, "ratio": round(reached[-1][0] / bare_s, 2)}
        print(json.dumps(figures), flush=True)


def query():
    """Compare one user's ten best items with the network's own forward pass, product and top-k."""
    sequences, n_items = load(log_folder("ml-1m"))
    log = training_log(sequences, n_items, left_out=1)
    predictor, _ = fitted(log, 1, {"batch_size": 128, "precision": "bf16"}, length=200, dropout=0.2)
    pipeline = serving(predictor, log)
    queries, rules = Queries.of_histories(log), Rules(log.known)
    encoder, table = predictor.network.encoder, predictor.network.items.weight.detach()

    def bare(at):
        seen = torch.from_numpy(log.items[log.offsets[at] : log.offsets[at + 1]]).long()
        with torch.inference_mode():
            batch = queries[at : at + 1].batch(200)
            scores = encoder(batch)[:, -1] @ table.T
            scores[0, 0], scores[0, seen] = -torch.inf, -torch.inf
            return scores.topk(10)

    ask = lambda at: pipeline.recommend(queries[at : at + 1], 10, rules)  # noqa: E731
    us, them = [], []
    for at in range(800):  # the first half touches the log's memory: whoever asked first would pay for the other
        runs = ((ask, us), (bare, them)) if at % 2 else ((bare, them), (ask, us))
        for run, times in runs:
            start = time.perf_counter()
            run(at % 400)
            times.append(time.perf_counter() - start)
    us, them = (1e3 * median(times[400:]) for times in (us, them))
    print(
        json.dumps(
            {"what": "query", "p50_ms": round(us, 2), "bare_p50_ms": round(them, 2), "ratio": round(us / them, 2)}
        )
    )


def large():
    """Train and recommend on a catalogue of a million items."""
    shop = zoo.load("synthetic-shop", items=1_000_000, customers=1_000_000, events=10_000_000)
    table = shop.read().interactions
    users, items = (
        np.unique(table[name].to_numpy(zero_copy_only=False), return_inverse=True)[1] for name in ("user_id", "item_id")
    )
    log = Interactions.from_arrays(users, items + 1, np.arange(len(users)))
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # noqa: E731
    print(
        json.dumps(
            {
                "what": "large",
                "events": len(log),
                "users": log.n_users,
                "items": log.n_items,
                "read_peak_gib": round(peak(), 2),
            }
        ),
        flush=True,
    )
    del table, users, items
    settings = {"batch_size": 1024, "learning_rate": 1e-3, "precision": "bf16"}
    sampled = {"loss": "sampled-softmax", "negatives": 1024, "sparse_updates": True}
    predictor, ends = fitted(log, 1, settings, length=50, dropout=0.2, **sampled)
    targets = int((log.lengths[log.lengths >= 2] - 1).clip(max=50).sum())
    print(
        json.dumps(
            {
                "what": "large",
                "epoch_s": round(ends[-1] - ends[0]),
                "events_per_s": round(targets / (ends[-1] - ends[0])),
                "peak_gib": round(peak(), 2),
            }
        ),
        flush=True,
    )
    pipeline = serving(predictor, log)
    start = time.perf_counter()
    pipeline.recommend(Queries.of_histories(log)[:10_000], 10, Rules(log.known))
    seconds = time.perf_counter() - start
    print(
        json.dumps({"what": "large", "recommend_10000_s": round(seconds, 1), "peak_gib": round(peak(), 2)}), flush=True
    )


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ["epochs", "query", "large"]:
        {"epochs": epochs, "quality": quality, "query": query, "large": large}[chosen]()
