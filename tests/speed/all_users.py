"""How fast lists for all users are written, and how much memory that takes. Prints a JSON line a case.

    python tests/speed/all_users.py [USERS ...]      100,000 and 1,000,000 by default
    python tests/speed/all_users.py --ray USERS      the same with two Ray workers of a core each, on a cluster that it starts

`als` with 100,000 items and 64 factors is fitted on 100,000 users of 20 events each, for two sweeps: the vectors do not have to be
good. The artifact then gets the histories of as many users as asked for. Each case runs `zoo recommend --all-users --k 20` in a process
of its own, with one thread; the peak is that of the process that was started; `load_mib` is that of one that only loads the artifact.
Users of a second are those of the whole command, without the seconds of one that finds no shard missing, and so loads nothing.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import torch

import zoo
from zoo.benchmark.fits.peak_memory import peak_memory
from zoo.cli.main import main as cli
from zoo.config.load import experiment_from
from zoo.pipeline import Pipeline

ITEMS, FITTED_USERS, EVENTS, GROUPS, K = 100_000, 100_000, 20, 100, 20


def draw_log(users):
    """Return a log of users who each prefer one of 100 groups of items, in each of which few items are popular."""
    rng = np.random.default_rng(users)
    group = rng.integers(0, GROUPS, users)[:, None]
    other = rng.integers(0, GROUPS, (users, EVENTS))
    group = np.where(rng.random((users, EVENTS)) < 0.8, group, other)
    place = (rng.random((users, EVENTS)) ** 3 * (ITEMS // GROUPS)).astype(np.int64)
    items = 1 + group + GROUPS * place
    return zoo.Interactions.from_arrays(
        np.repeat(np.arange(users), EVENTS),
        items.ravel(),
        np.tile(np.arange(EVENTS), users),
        n_items=ITEMS,
        n_users=users,
    )


def fit():
    """Return the artifact of the users that are fitted."""
    model = experiment_from(
        {
            "data": {"source": "synthetic-shop"},
            "model": [{"predictor": {"name": "als", "factors": 64, "iterations": 2}}],
        }
    ).models[0]
    task = zoo.Task.of(draw_log(FITTED_USERS), zoo.LeaveLastOut())
    return zoo.Artifact.of(Pipeline(model).fit(task), task, all_events=True)


def with_users(artifact, users):
    """Return the artifact with the histories of other users."""
    retrieval = replace(artifact.pipeline.retrieval, known_users=np.arange(users + 1) > 0)
    return replace(
        artifact,
        pipeline=replace(artifact.pipeline, retrieval=retrieval),
        user_ids=pa.array([f"u{at}" for at in range(users)]),
        histories=draw_log(users),
    )


def command(*arguments):
    """Run a command in a process of its own, and return its seconds and its peak memory in MiB."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--child", *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, float(done.stdout.splitlines()[-1])


def run_child(arguments):
    """Load an artifact, or run a command of the zoo, in this process, and print its peak memory in MiB."""
    with peak_memory() as peak:
        if arguments[0] == "load":
            zoo.load_artifact(arguments[1])
        else:
            cli(arguments, standalone_mode=False)
    print(peak.mib)


def measure(artifact, users, made, options, name):
    """Write the lists of some users and print a line."""
    folder = with_users(artifact, users).save(made / f"{users}")
    call = ["recommend", folder, "--all-users", "--out", made / f"lists-{users}", "--k", K, *options]
    seconds, peak = command(*call)
    nothing, _ = command(*call)
    _, load = command("load", folder)
    shards = made.glob(f"lists-{users}/part-*.parquet")
    figures = {
        "what": f"all users, {name}",
        "users": users,
        "items": ITEMS,
        "seconds": round(seconds, 1),
        "users_per_s": round(users / (seconds - nothing)),
        "peak_mib": round(peak),
        "load_mib": round(load),
        "artifact_mib": round(sum(file.stat().st_size for file in folder.iterdir()) / 2**20),
        "lists_mib": round(sum(file.stat().st_size for file in shards) / 2**20),
    }
    print(json.dumps(figures), flush=True)


def main(arguments):
    """Measure each size."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    artifact = fit()
    with TemporaryDirectory() as name:
        if arguments[:1] != ["--ray"]:
            for users in map(int, arguments or ["100000", "1000000"]):
                measure(artifact, users, Path(name), ["--threads", "1"], "local")
            return
        os.environ.update(RAY_worker_niceness="0", RAY_USAGE_STATS_ENABLED="0")
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        options = ["--executor", "ray", "--address", cluster.address]
        measure(artifact, int(arguments[1]), Path(name), options, "two Ray workers")
        cluster.shutdown()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_child(sys.argv[2:])
        sys.exit()
    main(sys.argv[1:])
