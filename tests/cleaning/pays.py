"""What cleaning is worth: NDCG@10 of four models that are fitted on raw and on cleaned data, for the same test targets.

    ZOO_DATA=path/to/data python tests/cleaning/pays.py --out FOLDER [--sets online-retail planted]

For each set, `zoo data report` proposes cleaners, and `zoo data clean` applies them to the raw events of a sample of users. The raw
file has all raw events before the test part, the cleaned file the cleaned ones; both have the same test part, which is the cleaned one.
Models are fitted on either, with the settings that are below. The lists of the raw models are then judged by the task of the
cleaned data (`zoo score`), and compared with those of the cleaned models query by query (`zoo compare`). Cuts are at 80 and 90 % of the raw
events, and cleaners learn from the events before the second cut. Runs that are there are skipped, so the command resumes.
"""

import argparse
import json
import os
import tomllib
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dirty_shop import dirty_shop

import zoo
from zoo.cli.main import main as zoo_command

DATA = Path(os.environ.get("ZOO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CUTS = (0.8, 0.9)
METRIC = "ndcg@10"
RAW = "{} on raw data"
"""The label of the lists of a model that is fitted on raw data."""
MODELS = ["item-knn", "als", "transition-graph", {"name": "sasrec", "loss": "sampled-softmax"}]
TRAIN = {
    "seeds": [0, 1, 2],
    "max_epochs": 10,
    "patience": 4,
    "epoch_batches": 50,
    "validation_queries": 1_000,
    "threads": 1,
}


@dataclass(frozen=True)
class Set:
    """A data set.

    Attributes:
        users: The most users, those with the smallest hashes.
        more: Cleaners that are applied after the proposed ones.
    """

    users: int = 1_000_000
    more: tuple[str, ...] = ()


SETS = {
    "planted": Set(),
    "online-retail": Set(),
    "yoochoose-100k": Set(),
    "complete-journey": Set(150, ("rare",)),
}


def main() -> None:
    """Fit what is not there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    asked = parser.parse_args()
    print("| data | removed before the test | model | raw | cleaned | difference (95 % interval) |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for name in asked.sets:
        folder = asked.out / name
        if not (folder / "experiment.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(read(name), folder / "events.parquet")
            construct(folder, SETS[name].more)
        for line in table(name, folder, MODELS, TRAIN):
            print(line, flush=True)


def read(name: str) -> pa.Table:
    """Return the raw events of a sample of users."""
    if name == "planted":
        return dirty_shop()[0]
    events = pq.read_table(DATA / name / "interactions.parquet")
    user = events["user_id" if "user_id" in events.column_names else "session_id"]
    ids = sorted(pc.unique(user).to_pylist(), key=lambda i: blake2b(str(i).encode(), digest_size=8).digest())
    return events.filter(pc.is_in(user, pa.array(ids[: SETS[name].users])))


def construct(folder: Path, more: tuple[str, ...] = ()) -> None:
    """Write `raw.parquet`, `cleaned.parquet` and `experiment.json` beside the raw events `events.parquet`."""
    run_zoo("data", "report", folder / "events.parquet", "--out", folder / "report")
    proposal = tomllib.loads((folder / "report" / "proposed.toml").read_text(encoding="utf-8"))
    data, unit = proposal["data"], proposal["split"].get("unit", "event")
    cleaners = [*data.get("clean", []), *more]
    if data.get("duplicates") == "drop-exact" and "duplicates" not in cleaners:  # the same, by a cleaner
        cleaners = [{"name": "duplicates", "seconds": 0}, *cleaners]
    moments = cuts(folder / "events.parquet", data.get("columns", {}).get("timestamp", "timestamp"))
    split = {"policy": "temporal", "cuts": moments, "unit": unit, **targets(proposal["split"])}
    changes = {"data.clean": cleaners, "data.duplicates": "keep", **{f"split.{key}": value for key, value in split.items()}}  # fmt: skip
    overrides = [text for key, value in changes.items() for text in ("--set", f"{key}={literal(value)}")]
    run_zoo("data", "clean", folder / "report" / "proposed.toml", "--out", folder / "clean", *overrides)
    kept, rejected = (pq.read_table(folder / "clean" / f"{name}.parquet") for name in ("interactions", "rejected"))
    raw = rejected.filter(pc.not_equal(rejected["cleaner"], "[data]")).drop_columns(["cleaner", "reason"])
    raw = raw.filter(pa.array(before(raw, kept, np.datetime64(moments[1].removesuffix("Z"), "ms").astype(int), unit)))
    pq.write_table(kept, folder / "cleaned.parquet")
    pq.write_table(pa.concat_tables([kept, raw.cast(kept.schema)]), folder / "raw.parquet")
    others = {key: data[key] for key in ("time", "ties", "event_weights") if key in data}
    found = {
        "data": others,
        "split": split,
        "evaluate": {**proposal["evaluate"], "metrics": [METRIC]},
        "cleaners": cleaners,
        "removed": raw.num_rows,
        "events": kept.num_rows + raw.num_rows,
    }
    (folder / "experiment.json").write_text(json.dumps(found), encoding="utf-8")


def targets(split: dict) -> dict:
    """Return the key `targets` of a split, if it has one."""
    return {"targets": split["targets"]} if "targets" in split else {}


def before(rejected: pa.Table, kept: pa.Table, cut: int, unit: str) -> np.ndarray:
    """Return which rejected events lie before the test part, `[N]`: the rest of its session must lie there too."""
    times = milliseconds(rejected["timestamp"])
    if unit != "session":
        return times < cut
    ends = pa.table({"session": kept["session_id"], "time": milliseconds(kept["timestamp"])}).group_by("session").aggregate([("time", "max")])  # fmt: skip
    end = pc.index_in(rejected["session_id"], ends["session"])
    last = ends["time_max"].take(end).combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)
    return np.maximum(last, times) < cut


def cuts(file: Path, column: str) -> list[str]:
    """Return the moments of the cuts."""
    times = np.sort(milliseconds(pq.read_table(file, columns=[column])[column]))
    return [f"{np.datetime64(int(times[int(share * len(times))]), 'ms')}Z" for share in CUTS]


def milliseconds(column: pa.ChunkedArray) -> np.ndarray:
    """Return times as UTC milliseconds."""
    return pc.cast(column, pa.int64()).to_numpy()


def experiment(folder: Path, data: str, models: list, train: dict) -> dict:
    """Return the experiment on the raw or the cleaned data."""
    found = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
    source = {"name": "files", "interactions": str((folder / f"{data}.parquet").absolute())}
    return {
        "data": {"source": source, **found["data"]},
        "split": found["split"],
        "evaluate": found["evaluate"],
        "references": False,
        "train": train,
        "model": [{"predictor": model} for model in models],
    }


def table(name: str, folder: Path, models: list, train: dict):
    """Fit the models on both, and yield a line for each."""
    cleaned, raw = (experiment(folder, data, models, train) for data in ("cleaned", "raw"))
    results = {"cleaned": zoo.bench(cleaned, out=folder / "on-cleaned"), "raw": zoo.bench(raw, out=folder / "on-raw")}
    judged = {(row.label, row.seed) for row in results["cleaned"].rows() if row.external}
    for row in results["raw"].rows():
        if (RAW.format(row.label), row.seed) not in judged:
            lists = results["raw"].lists(row, ["user_id", "now", "items"])
            if pc.count_distinct(lists["user_id"]).as_py() == len(lists):  # the time of a query depends on the history
                lists = lists.drop_columns(["now"])
            zoo.score(lists, cleaned, label=RAW.format(row.label), seed=row.seed, out=folder / "on-cleaned")
    about = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
    first = f"{name} | {about['removed']:,} of {about['events']:,}"
    for label in dict.fromkeys(row.label for row in results["raw"].rows()):
        found = zoo.compare(RAW.format(label), label, folder=folder / "on-cleaned", metric=METRIC).whole
        sure = "" if found.significant else " ="
        interval = "" if found.low is None else f" ({found.low:+.4f} to {found.high:+.4f})"
        yield f"| {first} | {label} | {found.first:.4f} | {found.second:.4f} | {found.difference:+.4f}{interval}{sure} |"
        first = " | "


def literal(value) -> str:
    """Return a value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {literal(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value)


def run_zoo(*arguments) -> None:
    """Run a command of `zoo` in this process."""
    zoo_command([str(argument) for argument in arguments], prog_name="zoo", standalone_mode=False)


if __name__ == "__main__":
    main()
