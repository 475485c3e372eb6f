"""Eight equal runs: one process with one core against two Ray workers with one core each. Prints JSON lines.

    python tests/speed/executors.py [--seconds 20] [--rounds 3]

Each run multiplies matrices in its `fit` until it has used SECONDS of processor time, then evaluates. The runs of one process and those of
Ray are done by turns, and `speedup` is the ratio of the medians of their wall seconds, from the first run that begins to the last that
ends. `overhead_s` is what a run takes besides its `fit`, as the median over the runs after the first of a worker: the wall seconds between
two ends of runs on one worker less those of the fit. Reading of the data and the start of workers are in the first run.
`share_of_cores` is the processor time of the fits divided by their wall time: below .95, other programs used the cores, and `speedup` says
nothing. `overhead_s` then is an upper bound.
"""

import argparse
import json
import os
import tempfile
import textwrap
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}

from ray.cluster_utils import Cluster

import zoo

RUNS = 8
MODEL = '''
    import json, os, time
    from pathlib import Path
    import torch
    from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

    class Options(Params):
        """Options."""

        seconds: float = 1.0
        """Processor time of a fit."""
        place: str = ""
        """Where the times go."""

    class Works(Predictor[Options]):
        """Uses a core for some seconds."""

        def fit(self, data, context):
            begun, matrix = time.time(), torch.rand(300, 300)
            used = time.thread_time()
            while time.thread_time() - used < self.params.seconds:
                matrix = (matrix @ matrix).clamp(0, 1)
            at = {"worker": os.getpid(), "begun": begun, "ended": time.time(), "used": time.thread_time() - used}
            Path(self.params.place, f"{context.seed}.json").write_text(json.dumps(at))
            self.noise = context.generator("noise")

        def score(self, queries):
            return torch.rand((len(queries), queries.log.n_items + 1), generator=self.noise)

    @hookimpl
    def zoo_components():
        spec = ComponentSpec("works", "predictor", "works:Works", Options, "Works.", capabilities=Capabilities(deterministic=False), api=2)
        return [spec]
'''


class Ends:
    """Progress that notes when each run ends."""

    def __init__(self):
        self.at = {}

    def __getattr__(self, name):
        return lambda *found, **more: None

    def finished(self, row, *, resumed):
        if row.error:
            raise SystemExit(row.error)
        self.at[row.seed] = time.time()


def measure(folder, seconds, **executor):
    """Return the seconds of all runs, the overheads of those after the first of a worker, and the share of the cores they had."""
    place, ends = folder / "times", Ends()
    place.mkdir(parents=True)
    experiment = {
        "data": {"source": {"name": "synthetic-shop", "customers": 500, "items": 100}},
        "train": {"threads": 1, "seeds": list(range(RUNS))},
        "references": False,
        "model": [{"predictor": {"name": "works", "seconds": seconds, "place": str(place)}}],
    }
    zoo.bench(experiment, folder / "out", plugins=[folder.parent / "works.py"], progress=ends, **executor)
    times = {int(file.stem): json.loads(file.read_text()) for file in place.iterdir()}
    overheads = []
    for worker in {at["worker"] for at in times.values()}:
        own = sorted((seed for seed, at in times.items() if at["worker"] == worker), key=ends.at.get)
        for before, after in pairwise(own):
            overheads.append(ends.at[after] - ends.at[before] - (times[after]["ended"] - times[after]["begun"]))
    wall = sum(at["ended"] - at["begun"] for at in times.values())
    total = max(ends.at.values()) - min(at["begun"] for at in times.values())
    return total, median(overheads), sum(at["used"] for at in times.values()) / wall


def main():
    """Measure both by turns, and print a line for each and one for the ratio."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    executors = {"local": {}, "ray": {"executor": "ray", "address": cluster.address}}
    found = {name: [] for name in executors}
    with tempfile.TemporaryDirectory() as name:
        Path(name, "works.py").write_text(textwrap.dedent(MODEL))
        for turn in range(options.rounds):
            for kind, executor in executors.items():
                found[kind].append(measure(Path(name, f"{kind}-{turn}"), options.seconds, **executor))
    cluster.shutdown()
    totals = {}
    for kind, rounds in found.items():
        totals[kind], overhead, share = (median(at) for at in zip(*rounds, strict=True))
        figures = {"wall_s": totals[kind], "overhead_s": overhead, "share_of_cores": share}
        print(json.dumps({"what": kind, "runs": RUNS, **{name: round(value, 3) for name, value in figures.items()}}))
    print(json.dumps({"what": "two Ray workers to one process", "speedup": round(totals["local"] / totals["ray"], 2)}))


if __name__ == "__main__":
    main()
