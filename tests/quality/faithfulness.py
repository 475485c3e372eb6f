"""How faithful the explanations of each predictor are: the table of docs/how-to/explain.md.

    ZOO_DATA=path/to/data python tests/quality/faithfulness.py --out faithfulness.jsonl [--sets ml-100k] [--models ease]

Each predictor that reads histories is fitted on the events before the test part. From the histories of a sample of users, five events
are removed: those that the explanation of their first item names, and random ones. Networks are trained shortly: what is measured
are explanations, not models. Rows that are there are skipped, so the command resumes.
"""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import zoo

DATA = Path(os.environ.get("ZOO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
SETS = ("ml-100k", "online-retail", "yoochoose-100k")
MODELS: dict[str, Any] = {
    **{name: name for name in ("item-knn", "ease", "elsa", "item-item-mf", "als", "transition-graph")},
    "content-knn": {"predictor": "content-knn", "featurizer": ["tf-idf"]},
    **{name: name for name in ("sasrec", "gru4rec", "hstu", "bert4rec", "narm", "caser", "nextitnet")},
}
TRAIN = {"max_epochs": 5, "epoch_batches": 100, "threads": 1, "refit": False}
USERS, EVENTS = 200, 5


def read(name: str) -> Any:
    """Return the log of a set."""
    folder = DATA / name
    items = folder / "items.parquet"
    columns = {"user_id": "session_id"} if name.startswith("yoochoose") else {}
    return zoo.read_log(folder / "interactions.parquet", items if items.exists() else None, **columns)


def measure(model: Any, log: Any) -> dict[str, Any]:
    """Return the faithfulness of the explanations of a model."""
    start = time.perf_counter()
    fitted = zoo.fit(model, log, split=zoo.LeaveLastOut(), train=TRAIN)
    found = fitted.faithfulness(events=EVENTS, users=USERS)
    exact = fitted.explain_model(users=1).exact
    return {**asdict(found), "exact": exact, "seconds": round(time.perf_counter() - start, 1)}


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print the rows as Markdown."""
    print("| predictor | method | " + " | ".join(SETS) + " |\n| --- | --- | " + "---: | " * len(SETS))
    for model in MODELS:
        own = {row["set"]: row for row in rows if row["model"] == model}
        cells = []
        for name in SETS:
            row = own.get(name)
            if row is None or "error" in row:
                cells.append("" if row is None else row["error"])
            else:
                low, high = row["interval"]
                cells.append(
                    f"{row['named']:.2f} / {row['random']:.2f}: {row['difference']:+.2f} ({low:+.2f} to {high:+.2f})"
                )
        method = next(("sum" if row["exact"] else "leave one out" for row in own.values() if "exact" in row), "")
        print(f"| `{model}` | {method} | " + " | ".join(cells) + " |")


def main() -> None:
    """Measure what is not yet there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    done = {(row["set"], row["model"]) for row in rows}
    for model in asked.models:
        for name in asked.sets:
            if (name, model) in done:
                continue
            log = read(name)
            if model == "content-knn" and "title" not in log.catalogue.columns:
                row = {"set": name, "model": model, "error": "no texts"}
            else:
                row = {"set": name, "model": model, **measure(MODELS[model], log)}
            rows.append(row)
            with asked.out.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    print_table(rows)


if __name__ == "__main__":
    main()
