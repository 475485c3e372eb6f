"""Tune, and die at one of the system calls: `kill_search.py FOLDER POINTS [pruned]`.

Each benchmark runs in a forked child that sends itself SIGKILL at the N-th call that opens, renames, makes or removes something
below its folder, for POINTS numbers at even distances. Another child then runs the same benchmark to its end. Prints a JSON
object: what an undisturbed benchmark has, and for each kill what the benchmark has that was resumed, the trials that were
finished when it was killed, and those that were run after that. With `pruned`, a network is tuned, and trials of it are pruned.
"""

import json
import os
import signal
import sys
import warnings
from pathlib import Path

import zoo
from zoo.benchmark import references
from zoo.benchmark.tuning import search
from zoo.benchmark.tuning.trials_file import read_trials

CALLS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500}},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5"]},
    "model": [{"predictor": {"name": "als", "iterations": 1}}, {"predictor": "ease"}, {"predictor": "item-knn"}],
    "tune": {"trials": 10},
}
PRUNED = {
    **EXPERIMENT,
    "train": {"max_epochs": 5, "refit": False, "monitor": "ndcg@5"},
    "model": [{"predictor": {"name": "gru4rec", "dim": 8, "length": 5}}],
}


def in_child(work):
    """Run a function in a forked process; return its exit status."""
    child = os.fork()
    if not child:
        warnings.simplefilter("ignore")
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def run(folder, experiment, *, die_at=None, log=None):
    """Run the benchmark; die at a call, or write the number of calls and the trials that were run to a file."""
    calls, ran = 0, []
    run_trial = search._run

    def count(event, args):
        nonlocal calls
        if event in CALLS and str(args[0]).startswith(str(folder)):
            calls += 1
            if calls == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def record(number, point, model, *rest, **options):
        ran.append([model.label, number])
        return run_trial(number, point, model, *rest, **options)

    search._run = record
    sys.addaudithook(count)
    zoo.bench(experiment, folder)
    if log is not None:
        log.write_text(json.dumps({"calls": calls, "ran": ran}))


def finished(folder):
    """Return the trials in the journals of a folder, by key of the search."""
    journals = (folder / "tuning").glob("*/journal.log") if folder.exists() else ()
    lines = {file.parent.name: file.read_bytes().decode().splitlines(keepends=True) for file in journals}
    return {key: sum('"op_code":4' in line for line in found if line.endswith("\n")) for key, found in lines.items()}


def outcome(folder):
    """Return the trials without their seconds, and the rows without their times."""
    found = read_trials(folder / "trials.jsonl")
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return {
        "trials": [[t["label"], t["number"], t["state"], t["params"], t["value"], t["curve"], t["search"]] for t in found],
        "rows": [[r["key"], r["label"], r["settings"], r["model"], r["metrics"], r["tuning"]["best"]] for r in rows],
        "left": sorted(path.name for path in [*folder.rglob(".*.tmp"), *(folder / "tuning").rglob("*")] if path.suffix == ".tmp" or path.name in ("training", "features")),
    }  # fmt: skip


def main(parent, points, experiment):
    references.REFERENCES = ()
    whole, log = parent / "whole", parent / "log.json"
    in_child(lambda: run(whole, experiment, log=log))
    total = json.loads(log.read_text())["calls"]
    found = []
    for at in range(points):
        folder = parent / f"killed-{at}"
        status = in_child(lambda folder=folder, at=at: run(folder, experiment, die_at=1 + at * (total - 1) // points))
        before = finished(folder)
        in_child(lambda folder=folder: run(folder, experiment, log=log))
        ran = json.loads(log.read_text())["ran"]
        found.append({"signal": status & 127, "finished": before, "ran": ran, "after": outcome(folder)})
    print(json.dumps({"whole": outcome(whole), "killed": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), PRUNED if sys.argv[3:] == ["pruned"] else EXPERIMENT)
