"""Fuzz artifacts: `python tests/fuzz/artifacts.py --count 10000 --seed 0`, and `--model LABEL` for one of them.

For each component of the zoo a small pipeline with it is fitted and saved. A case is a copy of one, changed in one place (see
`artifact_mutations`), which a child process loads and asks for lists. A case fails if the process dies, hangs or takes more
than 512 MiB, if an error is not a `ZooError` that names the folder, or if a list is wrong. `--seed S --count 1` with the seed
that a failure names, and its model, repeats it.
"""

import argparse
import json
import random
import select
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
MEMORY = 2**29
"""Bytes that a case may allocate."""
WAITING = 12
"""How many times its limit of processor time a case may last."""
SHOP = {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 1500, "categories": 6, "brands": 12}


class Worker:
    """A child process that fits the models once, and then tries one case after another."""

    def __init__(self, base: Path, timeout: float) -> None:
        self.base, self.timeout = base, timeout
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, __file__, "--worker", str(self.base)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.labels = json.loads(process.stdout.readline() or '["nothing: the worker failed"]')
        return process

    def run(self, label: str, seed: int) -> dict[str, str]:
        """Return the outcome of a case: `served`, `refused`, or `failed` with a detail."""
        self.process.stdin.write(f"{label} {seed}\n")
        self.process.stdin.flush()
        used, ready = self._processor_seconds(), []
        for _ in range(WAITING):
            ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
            if ready or self._processor_seconds() - used > self.timeout:
                break
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.process.kill()
        code = self.process.wait()
        self.process = self._start()
        return {
            "outcome": "failed",
            "detail": f"no answer within {self.timeout} s" if not ready else f"exit code {code}",
        }

    def _processor_seconds(self) -> float:
        """Return the processor time of the child process; other programs do not count."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def fuzz(count: int, seed: int, base: Path, *, timeout: float, model: str | None = None) -> Iterator[tuple[str, str]]:
    """Try cases, in turn of every model; yield the outcome of each, with a line that repeats and describes a failure."""
    worker = Worker(base, timeout)
    labels = [model] if model else worker.labels
    for number in range(count):
        label, own = labels[number % len(labels)], seed + number // len(labels)
        found = worker.run(label, own)
        yield found["outcome"], f"--model {label} --seed {own} ({found.get('change', '')}): {found['detail']}"
    worker.close()


def work(base: Path) -> None:
    """Be the child process: fit the models if needed, then read a case per line and print its outcome."""
    import resource

    warnings.simplefilter("ignore")
    if not (base / "fitted").exists():
        fit_models(base)
    labels = sorted(path.name for path in base.iterdir() if path.is_dir())
    import_components()  # so that the memory of the libraries does not count
    try_case(base / labels[0], random.Random(0), change=False)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    print(json.dumps(labels), flush=True)
    for line in sys.stdin:
        label, seed = line.rsplit(" ", 1)
        print(json.dumps(try_case(base / label, random.Random(f"{label} {int(seed)}"))), flush=True)


def import_components() -> list[str]:
    """Import the classes of all components, and return their names."""
    from zoo.registry.registry import default_registry

    stages = ("predictor", "featurizer", "filter", "ranker")
    return [component.target().__name__ for stage in stages for component in default_registry().components(stage)]


def try_case(original: Path, rng: random.Random, *, change: bool = True) -> dict[str, str]:
    """Load a changed copy of an artifact and ask it for lists."""
    from artifact_mutations import mutate

    from zoo.artifacts.saving import load_artifact
    from zoo.errors import ZooError

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(original, Path(temporary) / "artifact"))
        found = {"outcome": "served", "change": mutate(folder, rng) if change else "none"}
        step = "load"
        try:
            artifact = load_artifact(folder)
            step = "recommend"
            found["detail"] = wrong_list(artifact)
            step = "with_items"
            if "cold" in original.name or original.name.startswith("featurizer-"):
                found["detail"] = found["detail"] or wrong_list(artifact.with_items(new_item()))
        except ZooError as error:
            found |= {"outcome": "refused", "detail": refusal_fault(str(error), folder, step)}
        except BaseException as error:  # whatever a damaged artifact raises
            found["detail"] = f"{step}: {type(error).__name__}: {str(error)[:300]}"
    return found | {"outcome": "failed"} if found["detail"] else found


def refusal_fault(message: str, folder: Path, step: str) -> str:
    """Return what is wrong with the message of a refusal; empty if nothing is."""
    if step == "load" and str(folder) not in message:
        return f"the message does not name the folder: {message[:300]}"
    if any(word in message for word in ("allocat", "MemoryError", "bad_alloc", "out of memory", "malloc")):
        return f"more than {MEMORY >> 20} MiB: {message[:300]}"
    return ""


def wrong_list(artifact) -> str:
    """Ask for lists, and return what is wrong with them; empty if nothing is."""
    import numpy as np
    import pyarrow as pa

    ids = artifact.catalogue.ids
    some = [ids[i].as_py() for i in range(1, min(4, len(ids)))]
    users = [user.as_py() for user in artifact.user_ids[:8]]
    queries = pa.table({
        "user_id": pa.array([*users, "nobody", None], pa.string()),
        "history": pa.array([None] * len(users) + [some, some[:1]], pa.list_(pa.string())),
    })  # fmt: skip
    lists = artifact.lists(queries, 5)
    items, scores, filled = lists.items.numpy(), lists.scores.numpy(), lists.filled_slots().numpy()
    if items.shape != (len(queries), 5):
        return f"lists of shape {items.shape}"
    if (items < 0).any() or (items >= len(ids)).any():
        return f"item numbers {items.min()} to {items.max()} of {len(ids)}"
    if any(len(set(row[row > 0])) < (row > 0).sum() for row in items):
        return "an item twice in a list"
    if not artifact.rules.eligible[items[items > 0]].all():
        return "an item that is not eligible"
    return "" if np.isfinite(scores[(items > 0) & ~filled]).all() else "a score that is not finite"


def new_item():
    """Return a table of one new item of the shop."""
    import pyarrow as pa

    return pa.table({
        "item_id": ["new"], "title": ["a red thing"], "description": ["of wood"], "category": ["c1"], "brand": ["b1"],
        "price": [9.5], "in_stock": [True],
    })  # fmt: skip


def fit_models(base: Path) -> None:
    """Fit and save a pipeline for each component of the zoo that can be fitted without further files."""
    import torch

    from zoo.artifacts.artifact import Artifact
    from zoo.artifacts.saving import save_artifact
    from zoo.config.load import experiment_from
    from zoo.data.task import load_task
    from zoo.pipeline import Pipeline
    from zoo.registry.registry import default_registry
    from zoo.stages.context import RunContext

    torch.set_num_threads(1)
    raw = {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.5, 0.6, 0.8]},
        "train": {"max_epochs": 1},
    }
    models = []
    for stage in ("predictor", "featurizer", "filter", "ranker"):
        for component in default_registry().components(stage):
            expected = component.spec.expected_failures
            if component.plugin.distribution.startswith("shopzoo") and f"{stage}.fits" not in expected:
                models.append(model_with(stage, component))
    experiment = experiment_from({**raw, "model": models})
    task = load_task(experiment)
    for model in experiment.models:
        pipeline = Pipeline(model).fit(task, RunContext(seed=1))
        save_artifact(Artifact.of(pipeline, task), base / model.label)
    (base / "fitted").write_text("")


def model_with(stage: str, component) -> dict:
    """Return a model with a component, with its tiny parameters."""
    tiny = {"name": component.qualified_name, **component.spec.tiny}
    features = {"name": "tf-idf", "columns": ["title"]}
    model = {"label": f"{stage}-{component.name}", "predictor": "popular"}
    if stage == "predictor":
        model["predictor"] = tiny
        if component.capabilities(component.params(dict(component.spec.tiny))).features != "none":
            model["featurizer"] = features
    elif stage == "featurizer":
        model |= {"predictor": "content-knn", "featurizer": tiny}
    elif stage == "filter":
        model["filters"] = [tiny]
    else:
        model |= {"predictor": "content-knn", "featurizer": features, "rankers": [tiny]}
    return model


def main() -> None:
    """Read the command line, and print the failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="number of cases")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first case of each model")
    parser.add_argument("--model", help="only this model, such as predictor-als")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds of processor time that a case may take")
    parser.add_argument("--base", type=Path, help="folder of the fitted models, to keep them for the next run")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return
    with tempfile.TemporaryDirectory() as temporary:
        base = options.base or Path(temporary)
        base.mkdir(parents=True, exist_ok=True)
        outcomes = Counter[str]()
        for outcome, line in fuzz(options.count, options.seed, base, timeout=options.timeout, model=options.model):
            outcomes[outcome] += 1
            if outcome == "failed":
                print(line, flush=True)
    print(", ".join(f"{number:,} {outcome}" for outcome, number in sorted(outcomes.items())))
    sys.exit(bool(outcomes["failed"]))


if __name__ == "__main__":
    main()
