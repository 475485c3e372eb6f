"""What pruning saves and costs: searches without it, with Optuna's median, and with its Hyperband. Prints a JSON line for each search.

    python tests/defaults/pruning.py [TRIALS]     12 by default

`gru4rec` and `sasrec` of width 16 are tuned on a small built-in shop and on `ml-100k` of ZOO_DATA. Each point is trained once, to its
end; a pruner then sees its curve, and the search goes on as if the training had ended where the pruner ends it. A training is a
function of its point, so this gives the trials of a search that trains again. A line has the epochs trained, the seconds of CPU
that they took, how many trials are pruned, and NDCG@10 on the validation part: of trial 0, and the best. `orders`: the trials of
the search without pruning in 30 random orders: the share of their epochs that a pruner trains, in how many orders it ends the best
of them, and the best value that is left as a share of theirs: the mean, and the worst.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import optuna
import torch
from optuna.pruners import HyperbandPruner

from zoo.benchmark.comparison import open_comparison
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.progress import Progress
from zoo.benchmark.tuning.pruning import CurvePruner
from zoo.benchmark.tuning.quiet import quiet
from zoo.benchmark.tuning.search import search
from zoo.benchmark.tuning.trial import Measured, Trial
from zoo.config.load import experiment_from

EPOCHS, ORDERS = 20, 30
TRAIN = {"max_epochs": EPOCHS, "patience": 5, "batch_size": 32, "epoch_batches": 40, "validation_queries": 500}


def hyperband_pruner():
    """Return the pruner that is compared with the median."""
    return HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)


class HyperbandCurves:
    """Prunes by Hyperband, which keeps notes on each trial: they are made again by telling it all curves in their order."""

    def __init__(self, trials):
        self.curves = [[value for _, value in trial.curve] for trial in trials if trial.state != "repeated"]
        self.complete = [trial.state == "complete" for trial in trials if trial.state != "repeated"]

    def __call__(self, values):
        with quiet():
            study = optuna.create_study(study_name="search", direction="maximize", pruner=hyperband_pruner())
            for curve, complete in zip(self.curves, self.complete, strict=True):
                trial = study.ask()
                self.ends(trial, curve)
                state = optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED
                study.tell(trial, max(curve) if complete else None, state)
            return self.ends(study.ask(), values)

    @staticmethod
    def ends(trial, values):
        """Report the values of a trial; return what the pruner says after the last."""
        found = False
        for step, value in enumerate(values, 1):
            trial.report(value, step)
            found = trial.should_prune()
        return found


PRUNERS = {"none": lambda trials: None, "median": CurvePruner.of, "hyperband": HyperbandCurves}


class Remembered:
    """Trials that are trained once, and end where a pruner ends them."""

    higher_is_better = True

    def __init__(self, task, remembered):
        self.task, self.remembered, self.epochs, self.seconds = task, remembered, 0, 0.0

    def measure(self, model, seed, *, prune, **places):
        """Return what a trial gives under a pruner."""
        key = json.dumps(model.as_json(), sort_keys=True)
        if key not in self.remembered:
            start = time.process_time()
            measured = self.task.measure(model, seed, prune=None, **places)
            self.remembered[key] = measured, time.process_time() - start
        measured, seconds = self.remembered[key]
        values, curve = [value for _, value in measured.curve], measured.curve
        ended = next((n for n in range(1, len(values)) if prune and prune(values[:n])), None)
        self.epochs += ended or len(curve)
        self.seconds += seconds * (ended or len(curve)) / len(curve)
        return measured if ended is None else Measured(None, curve[:ended])


def in_orders(curves, pruner):
    """Return what a pruner does with trials in random orders, of which the first stays the first."""
    epochs, kept, best = 0, [], max(map(max, curves))
    for order in range(ORDERS):
        trials = []
        for at, curve in enumerate([curves[0], *Random(order).sample(curves[1:], len(curves) - 1)]):
            prune = pruner(trials) if at > 0 else None
            ended = next((n for n in range(1, len(curve)) if prune and prune(curve[:n])), None)
            epochs += ended or len(curve)
            values = tuple(enumerate(curve[:ended], 1))
            state, value = ("complete", max(curve)) if ended is None else ("pruned", None)
            trials.append(Trial(at, {}, state, value, 0.0, curve=values))
        kept.append(max(trial.value for trial in trials if trial.state == "complete") / best)
    share = epochs / ORDERS / sum(map(len, curves))
    left = {"mean": round(sum(kept) / ORDERS, 4), "worst": round(min(kept), 4)}
    return {"epochs": round(share, 2), "best_pruned": sum(each < 1 for each in kept), **left}


def tasks():
    """Return the data of each set by name, and what all experiments share."""
    shops = {"shop": {"source": {"name": "synthetic-shop", "customers": 800, "items": 200, "events": 24_000}}}
    if "ZOO_DATA" in os.environ:
        file = Path(os.environ["ZOO_DATA"]) / "ml-100k" / "interactions.parquet"
        shops["ml-100k"] = {"source": {"name": "files", "interactions": str(file)}}
    return shops


def main(trials):
    """Search under each pruner and print a line a search."""
    models = [{"predictor": {"name": name, "dim": 16, "length": 20}} for name in ("gru4rec", "sasrec")]
    parts = {
        "split": {"policy": "leave-last-out"},
        "evaluate": {"metrics": ["ndcg@10"]},
        "train": TRAIN,
        "model": models,
    }
    for shop, data in tasks().items():
        experiment = experiment_from({"data": data, "tune": {"trials": trials}, **parts})
        task = open_comparison(experiment, torch.device("cpu")).trials
        for model in experiment.models:
            remembered, curves = {}, []
            for how, pruner in PRUNERS.items():
                CurvePruner.of, trained = pruner, Remembered(task, remembered)
                with tempfile.TemporaryDirectory() as folder:
                    found = search(
                        model, trained, seed=0, folder=Path(folder), progress=Progress(), cache=FitCache(Path(folder))
                    ).as_json()
                about = {"data": shop, "model": model.label, "pruner": how}
                cost = {"epochs": trained.epochs, "seconds": round(trained.seconds, 1), "pruned": found["pruned"]}
                values = {"first": round(found["first_value"], 4), "best": round(found["value"], 4)}
                curves = curves or [[v for _, v in measured.curve] for measured, _ in remembered.values()]
                orders = {"orders": in_orders(curves, pruner)} if how != "none" else {}
                print(json.dumps(about | cost | values | orders), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
