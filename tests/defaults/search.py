"""Search the default settings of networks, on validation parts alone.

    python tests/defaults/search.py --out FOLDER [--sets a b] [--models sasrec gru4rec] [--configs before auto]
        [--users N] [--folds 0 1]

Each finished run is one line of `FOLDER/runs.jsonl`; runs that are there are skipped, so the command resumes after an
interruption. `summary.py FOLDER/runs.jsonl` prints ranks and ratios. One process, one seed; sets from small to large.
"""

import argparse
import json
import os
import shutil
import time
from itertools import product
from pathlib import Path
from typing import Any

import torch
from sets import SETS, prepare

import zoo

BASELINES = ("item-knn", "transition-graph", "ease")


BEFORE = {"batch_size": 256, "learning_rate": 1e-3, "patience": 10, "max_epochs": 100, "warmup_steps": 0}


def config(name: str, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return params and training settings of a configuration.

    A name is `before` (the defaults of version 0.1), or `auto` (the defaults) with changes:
    `auto,dropout=0.5,train.learning_rate=3e-3`.
    """
    if name == "before":
        rates = ["dropout", "item_dropout"] if model == "gru4rec" else ["dropout"]
        return {**dict.fromkeys(rates, 0.2), "windows": "last"}, BEFORE
    params, train = {}, {}
    for change in name.split(",")[1:]:
        key, _, text = change.partition("=")
        value = json.loads(text) if text[0].isdigit() or text[0] == "[" else text
        (train if key.startswith("train.") else params)[key.removeprefix("train.")] = value
    return params, train


def run(file: Path, name: str, model: str, chosen: str, folder: Path) -> dict[str, Any]:
    """Fit and measure one model."""
    params, train = ({}, {}) if model in BASELINES else config(chosen, model)
    shutil.rmtree(folder, ignore_errors=True)
    start = time.perf_counter()
    store = zoo.bench(
        {
            "data": {"source": {"name": "files", "interactions": str(file)}, "time": "position"},
            "split": {"policy": "given"},
            "evaluate": {"metrics": ["ndcg@10", "hit@10"], "exclude_seen": not SETS[name].repeats},
            "train": {"refit": False, "threads": 1, "precision": PRECISION, "validation_queries": 5_000, **train},
            "model": [{"predictor": {"name": model, **params}}],
            "references": False,
        },
        out=folder,
    )
    row = next(row for row in store.rows() if row.label == model)
    if row.error:
        return {"error": str(row.error)[-300:]}
    training = row.training
    history = training.get("history", [])
    return {
        **{metric: round(value[0], 5) for metric, value in row.metrics.items() if metric in ("ndcg@10", "hit@10")},
        "queries": row.queries,
        "best_epoch": training.get("epochs"),
        "epochs": len(history),
        "validation": round(max((at["value"] for at in history), default=0.0), 5),
        "loss": round(history[-1]["loss"], 3) if history else None,
        "stopped": training.get("stopped"),
        "seconds": round(time.perf_counter() - start, 1),
        "chosen": training.get("chosen", {}),
    }


PRECISION = "32"


def main() -> None:
    """Run what is not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--models", nargs="+", default=["sasrec", "gru4rec"])
    parser.add_argument("--configs", nargs="+", default=["before", "auto"])
    parser.add_argument("--folds", nargs="+", type=int, default=[0], help="1 exchanges the halves of the users")
    parser.add_argument("--users", type=int, default=20_000, help="the most users of a set")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    lines = asked.out / "runs.jsonl"
    done = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    seen = {(d["set"], d["fold"], d["model"], d["config"]) for d in done}
    prepared = {
        (name, fold): prepare(name, asked.out, fold, asked.users) for name in asked.sets for fold in asked.folds
    }
    wanted = [(model, "-") for model in BASELINES]
    wanted += [(model, chosen) for chosen in asked.configs for model in asked.models]
    for (model, chosen), ((name, fold), (file, sizes)) in product(wanted, prepared.items()):
        if (name, fold, model, chosen) in seen:
            continue
        found = run(file, name, model, chosen, asked.out / f"run-{os.getpid()}")
        line = {"set": name, "fold": fold, "model": model, "config": chosen, "sizes": sizes, **found}
        with lines.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
