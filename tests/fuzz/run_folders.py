"""Fuzz folders of results: `python tests/fuzz/run_folders.py --count 2000 --seed 0`.

A small benchmark runs once. A case is a copy of its folder, or of a folder of the fixtures, with one change: bytes of a file, a
value in a JSON file, or a column of the lists. `zoo verify` and `zoo compare` then read the own folder, `zoo bench` resumes it, and
`zoo report` reads either. A case is accepted, also if a run is repeated, or refused by a `ZooError` that names the folder.
"""

import contextlib
import io
import json
import random
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from artifact_mutations import LEAVES, damage_file
from harness import main

from zoo.benchmark.compare.compare_rows import compare
from zoo.benchmark.result import BenchmarkResult
from zoo.benchmark.results_folder.export import export
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.runner import RunOptions, run_experiment
from zoo.benchmark.tables.report import markdown
from zoo.benchmark.verify.verify import verify
from zoo.cli.progress_display import bars
from zoo.cli.terminal_tables import print_results
from zoo.config.load import experiment_from
from zoo.errors import ZooError
from zoo.html_report.writing import report

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "benchmarks").iterdir())
EXPERIMENT = experiment_from({
    "data": {"source": {"name": "synthetic-shop", "customers": 30, "items": 40, "events": 400}},
    "split": {"cuts": [0.6, 0.8]},
    "evaluate": {"metrics": ["ndcg@5", "coverage@5"], "bootstrap": 100},
    "train": {"seeds": [0, 1], "device": "cpu", "threads": 1},
    "references": False,
    "model": [{"predictor": "popular"}, {"predictor": "random"}],
})  # fmt: skip
WARM_UP = 5
"""Cases before the first one: after them, folders of both kinds were verified, resumed and reported; a case takes longest here."""
OWN = tempfile.TemporaryDirectory(prefix="zoo-fuzz-")
"""The folder of the benchmark that is resumed."""


def prepare() -> None:
    """Run the benchmark."""
    torch.set_num_threads(1)
    run_experiment(EXPERIMENT, OWN.name, RunOptions())


def case(rng: random.Random, place: Path) -> str:
    """Change a copy of a folder, and use it."""
    original = rng.choice([OWN.name, OWN.name, *FIXTURES])
    folder = Path(shutil.copytree(original, place / "results"))
    change = rng.choices([change_json, change_lists, change_bytes, change_files], [60, 15, 20, 5])[0](folder, rng)
    outcome = "accepted"
    for use in (inspect, resume, read) if original == OWN.name else (read,):
        try:
            use(folder)
        except ZooError as error:
            outcome = "refused"
            if str(folder) not in str(error):
                raise AssertionError(f"{change}: the message does not name the folder: {error}") from error
        except Exception as error:
            error.add_note(f"after {use.__name__}, {change}")
            raise
    return outcome


def inspect(folder: Path) -> None:
    """Do what `zoo verify` and `zoo compare` do."""
    repr(verify(folder))
    repr(compare(f"{folder}:popular", f"{folder}:random"))


def resume(folder: Path) -> None:
    """Do what `zoo bench` does, with its bars."""
    with contextlib.redirect_stderr(io.StringIO()), bars() as progress:
        run_experiment(EXPERIMENT, folder, RunOptions(progress))


def read(folder: Path) -> None:
    """Do what `zoo report --keep` and Python do, the HTML page included."""
    store = Store(folder)
    with refusing_damage(folder), contextlib.redirect_stdout(io.StringIO()):
        store.compose(markdown)
        print_results(store)
    export(store, folder / "kept")
    BenchmarkResult(folder).to_arrow()
    report(store)


def change_json(folder: Path, rng: random.Random) -> str:
    """Change a value, a key or an element of a JSON file."""
    path = rng.choice([*sorted(folder.glob("*.json")), *sorted(folder.glob("runs/*.json"))])
    content = json.loads(path.read_text())
    node, key, where = (root := {"content": content}), "content", path.name
    while isinstance(node[key], dict | list) and node[key] and (node[key] is content or rng.random() < 0.85):
        node = node[key]
        key = rng.choice(sorted(node)) if isinstance(node, dict) else rng.randrange(len(node))
        where += f".{key}"
    how = rng.choice(["value", "value", "value", "remove", "more"])
    if how == "value":
        node[key] = rng.choice(LEAVES)
        where += f" = {node[key]!r:.40}"
    elif how == "remove":
        del node[key]
    elif isinstance(node, dict):
        node["further"] = rng.choice([node[key], *LEAVES])
    else:
        node.append(rng.choice([node[key], *LEAVES]))
    path.write_text(json.dumps(root.get("content")))
    return f"{how}: {where}"


def change_lists(folder: Path, rng: random.Random) -> str:
    """Change a column or the rows of the lists of a run."""
    path = rng.choice([*sorted(folder.glob("runs/*.parquet")), *folder.glob("queries.parquet")])
    table = pq.read_table(path)
    at = rng.randrange(table.num_columns)
    name, n = table.column_names[at], len(table)
    how = rng.choice(["remove", "nulls", "text", "nan", "rename", "cut", "empty", "twice", "nested"])
    if how == "remove":
        table = table.remove_column(at)
    elif how == "rename":
        table = table.rename_columns([f"{c}x" if c == name else c for c in table.column_names])
    elif how in ("cut", "empty"):
        table = table[: n // 2 if how == "cut" else 0]
    elif how == "twice":
        table = table.append_column(name, table[name])
    else:
        values = {"nulls": pa.nulls(n), "text": ["x"] * n, "nan": [float("nan")] * n, "nested": [[{"a": 1}]] * n}[how]
        table = table.set_column(at, name, pa.array(values))
    pq.write_table(table, path)
    return f"{how}: {name} of {path.name}"


def change_bytes(folder: Path, rng: random.Random) -> str:
    """Change, cut or insert bytes of a file."""
    files = [
        *sorted(folder.glob("*.json")),
        *folder.glob("queries.parquet"),
        *sorted(p for p in folder.glob("runs/*.*") if p.is_file()),
    ]
    return damage_file(rng.choice(files), rng)


def change_files(folder: Path, rng: random.Random) -> str:
    """Remove a file, or put a folder or another file in its place."""
    path = rng.choice(sorted(p for p in folder.rglob("*") if p.is_file()))
    how = rng.choice(["remove", "folder", "other"])
    other = rng.choice(sorted(p for p in folder.rglob("*") if p.is_file()))
    content = other.read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "other":
        path.write_bytes(content)
    return f"{how}: {path.name}"


if __name__ == "__main__":
    main(__file__, "run folders", case, prepare, WARM_UP)
