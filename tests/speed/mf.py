"""How fast the family `mf` fits and recommends, as ratios to bare loops and to the library `implicit`. Prints JSON lines.

    python tests/speed/mf.py [FOLDER]     ml-1m by default

Last event of each user tests, everything before trains. Ours starts from the event log, theirs from a matrix that is
made already. Both sides run by turns, several times, and medians are compared. Without the data of ZOO_DATA, a log of the same size is generated.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from bare.calls import call
from bare.sequences import hr_ndcg, load
from logs import log_folder

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.pipeline import Pipeline, Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.stages.context import RunContext

ROUNDS = 5
MODELS = {
    "ease": ({"l2": 500.0}, ["ease"]),
    "als": ({"factors": 64, "iterations": 15}, ["implicit", "ALS"]),
    "item-knn": ({"k": 100}, ["implicit", "KNN"]),
}


def ours(name, params, log, target):
    """Return the seconds of a fit and of lists for all users, and the quality of the lists."""
    model, catalogue = Pipeline.of(name, **params).model, Catalogue.bare(log.n_items)
    start = time.perf_counter()
    pipeline = fit_on_log(model, log, catalogue, RunContext()).pipeline
    fitted = time.perf_counter()
    lists = pipeline.recommend(Queries.of_histories(log), 10, Rules(np.arange(log.n_items + 1) > 0))
    return fitted - start, time.perf_counter() - fitted, hr_ndcg(lists.items.numpy(), target)


def main(folder):
    """Measure both sides by turns and print a line a model."""
    seqs, n_items = load(folder)
    users = np.repeat(np.arange(len(seqs)), [len(s) - 1 for s in seqs])
    log = Interactions.from_arrays(users, np.concatenate([s[:-1] for s in seqs]), n_items=n_items)
    target = np.array([s[-1] for s in seqs])
    for name, (params, command) in MODELS.items():
        ours(name, params, log, target)  # libraries and memory are warm
        them, us = [], []
        for _ in range(ROUNDS):
            them.append(call(command[0], folder.resolve(), *command[1:]))
            us.append(ours(name, params, log, target))
        fit_s, lists_s = (median(run[part] for run in us) for part in (0, 1))
        figures = {
            "what": name,
            **params,
            "folder": folder.name,
            "fit_s": round(fit_s, 3),
            "lists_s": round(lists_s, 3),
        }
        bare_fit = median(t.get("fit_s", t.get("seconds")) for t in them)
        figures |= {"bare_fit_s": round(bare_fit, 3), "ratio_fit": round(fit_s / bare_fit, 3)}
        if "users_per_s" in them[0]:
            bare_lists = median(len(seqs) / t["users_per_s"] for t in them)
            whole = (fit_s + lists_s) / (bare_fit + bare_lists)
            figures |= {"bare_lists_s": round(bare_lists, 3), "ratio_fit_and_lists": round(whole, 3)}
        figures |= {"hr_ndcg": us[0][2], "bare_hr_ndcg": them[0]["hr_ndcg"], "threads": torch.get_num_threads()}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else log_folder("ml-1m"))
