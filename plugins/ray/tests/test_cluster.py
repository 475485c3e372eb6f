"""Runs on a cluster of two nodes: the rows of a benchmark without it, also if a worker, a node or the benchmark is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pyarrow.parquet as pq
import pytest
import ray
from shopzoo_ray.executor import RayExecutor, RayParams, do_run

import zoo
from zoo.api import ConfigError, DataError, TrainingError

EXPERIMENT = {
    "data": {
        "source": {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500},
        "accept": ["few-queries", "few-validation-queries", "seen-targets"],
    },
    "train": {"threads": 1, "seeds": [0, 1, 2], "max_epochs": 1},
    "references": False,
}
FOUR = [{"predictor": "slow"}, {"label": "slow-2", "predictor": {"name": "slow", "shift": 1}}, {"label": "slow-3", "predictor": {"name": "slow", "shift": 2}}, {"label": "slow-4", "predictor": {"name": "slow", "shift": 3}}]  # fmt: skip
SLOW = '''
    import os, time
    from pathlib import Path
    import torch
    from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

    PLACE = Path({place!r})

    class Options(Params):
        """Options."""

        shift: int = 0
        """Another model."""

    class Slow(Predictor[Options]):
        """Notes that it runs, and waits until it may end."""

        def fit(self, data, context):
            self.noise = context.generator("noise")
            name = f"{{self.params.shift}}-{{context.seed}}"
            with (PLACE / f"{{name}}.{{os.getpid()}}").open("w") as file:
                file.write(str(os.getpid()))
            while not (PLACE / "go").exists():
                time.sleep(0.05)

        def score(self, queries):
            return torch.rand((len(queries), queries.log.n_items + 1), generator=self.noise)

    @hookimpl
    def zoo_components():
        return [ComponentSpec("slow", "predictor", "slow_model:Slow", Options, "A test.", capabilities=Capabilities(deterministic=False), api=2)]
'''


class AtOnce:
    """Progress that counts the runs which have begun and not ended."""

    def __init__(self):
        self.running = self.most = 0

    def __getattr__(self, name):
        return lambda *found, **more: None

    def started(self, label, seed, *, again):
        self.running += 1
        self.most = max(self.most, self.running)

    def finished(self, row, *, resumed):
        self.running -= not resumed


def rows(result):
    """Return what must not depend on where a run happens."""
    return {(row.key, row.label, row.seed): (row.metrics, row.slices, row.error) for row in result.rows()}


def lists(result):
    """Return the lists of all runs by model and seed."""
    return {(row.label, row.seed): result.lists(row).to_pydict() for row in result.rows()}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """Return a plugin with a model whose runs wait for a file `go`, and the folder of that file."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "place").mkdir()
    file = folder / "slow_model.py"
    file.write_text(textwrap.dedent(SLOW).format(place=str(folder / "place")))
    return file, folder / "place"


@pytest.fixture(scope="module")
def expected(plugin, tmp_path_factory):
    """Return the result of the twelve runs in this process."""
    (plugin[1] / "go").touch()
    return zoo.bench({**EXPERIMENT, "model": FOUR}, tmp_path_factory.mktemp("here"), plugins=[plugin[0]])


@pytest.fixture
def slow(plugin, expected):
    """Return the plugin, in whose folder nothing has begun."""
    for path in plugin[1].iterdir():
        path.unlink()
    return plugin


def begin(slow, folder, cluster):
    """Start a benchmark on the cluster in a process of its own."""
    code = "import json, sys, zoo; zoo.bench(json.loads(sys.argv[1]), sys.argv[2], plugins=[sys.argv[3]], executor='ray', address=sys.argv[4])"
    table = json.dumps({**EXPERIMENT, "model": FOUR})
    return subprocess.Popen([sys.executable, "-c", code, table, str(folder), str(slow[0]), cluster.address])


def running(place, benchmark, n):
    """Wait until n runs have begun, and return their processes."""
    while len(found := [file for file in place.iterdir() if file.name != "go" and file.read_text()]) < n:
        assert benchmark.poll() is None
        time.sleep(0.05)
    return [int(file.read_text()) for file in found]


def begun(place):
    """Return the runs that have begun, once for each time."""
    return sorted(file.name.partition(".")[0] for file in place.iterdir() if file.name != "go")


def test_twelve_runs_of_four_models_are_those_of_this_process(cluster, tmp_path):
    models = [{"predictor": "popular"}, {"predictor": "bpr-mf"}, {"predictor": "sasrec"}, {"label": "narrow", "predictor": {"name": "sasrec", "dim": 16}}]  # fmt: skip
    experiment = {**EXPERIMENT, "model": models, "train": {**EXPERIMENT["train"], "seeds": [0, 1, 2]}}
    here = zoo.bench(experiment, tmp_path / "here")
    told = AtOnce()
    there = zoo.bench(experiment, tmp_path / "there", executor="ray", address=cluster.address, progress=told)
    assert rows(there) == rows(here)
    assert lists(there) == lists(here)
    assert told.running == 0
    assert told.most <= 4  # the cluster has two cores: a run that waits for one has not begun
    assert [row.label for row in there.rows()] == [row.label for row in here.rows()]
    assert not ray.is_initialized()


def test_searches_of_two_models_find_what_this_process_finds(cluster, tmp_path):
    experiment = {**EXPERIMENT, "tune": {"trials": 2}, "model": [{"predictor": "item-knn"}, {"predictor": "ease"}]}
    here = zoo.bench(experiment, tmp_path / "here")
    there = zoo.bench(experiment, tmp_path / "there", executor="ray", address=cluster.address)
    assert rows(there) == rows(here)
    assert [row.tuning["params"] for row in there.rows()] == [row.tuning["params"] for row in here.rows()]


@pytest.mark.robust
def test_a_killed_worker_costs_only_its_run(cluster, slow, expected, tmp_path):
    benchmark = begin(slow, tmp_path / "there", cluster)
    (first, _) = running(slow[1], benchmark, 2)
    os.kill(first, signal.SIGKILL)
    running(slow[1], benchmark, 3)
    (slow[1] / "go").touch()
    assert benchmark.wait() == 0
    there = zoo.bench({**EXPERIMENT, "model": FOUR}, tmp_path / "there", plugins=[slow[0]])
    assert rows(there) == rows(expected)
    assert lists(there) == lists(expected)
    assert len(begun(slow[1])) == 13  # the killed one twice, all others once


@pytest.mark.robust
def test_a_lost_node_costs_only_what_ran_there(cluster, slow, expected, tmp_path):
    node = cluster.add_node(num_cpus=1)
    benchmark = begin(slow, tmp_path / "there", cluster)
    running(slow[1], benchmark, 3)
    cluster.remove_node(node, allow_graceful=False)
    (slow[1] / "go").touch()
    assert benchmark.wait() == 0
    there = zoo.bench({**EXPERIMENT, "model": FOUR}, tmp_path / "there", plugins=[slow[0]])
    assert rows(there) == rows(expected)
    assert len(begun(slow[1])) in (12, 13)  # the run of the lost node may have ended just before


@pytest.mark.robust
def test_a_killed_benchmark_is_completed_by_the_same_command(cluster, slow, expected, tmp_path):
    benchmark = begin(slow, tmp_path / "there", cluster)
    workers = running(slow[1], benchmark, 2)
    benchmark.kill()
    benchmark.wait()
    while any(psutil.pid_exists(worker) for worker in workers):  # Ray ends what nobody waits for
        time.sleep(0.1)
    (slow[1] / "go").touch()
    again = begin(slow, tmp_path / "there", cluster)
    assert again.wait() == 0
    there = zoo.bench({**EXPERIMENT, "model": FOUR}, tmp_path / "there", plugins=[slow[0]])
    assert rows(there) == rows(expected)
    assert lists(there) == lists(expected)


def test_more_than_a_node_has_is_an_error_of_the_run_and_the_others_go_on(cluster, tmp_path):
    models = [
        {"predictor": "popular", "resources": {"cpus": 8, "gpus": 2}},
        {"predictor": "ease"},
        {"predictor": "bpr-mf", "train": {"devices": 3}},
    ]
    experiment = {**EXPERIMENT, "train": {**EXPERIMENT["train"], "seeds": [0]}, "model": models}
    large, fits, spread = zoo.bench(experiment, tmp_path / "out", executor="ray", address=cluster.address).rows()
    assert fits.error is None
    assert re.match(
        r"the run asks for 8 cores, 2 GPUs and 0 GiB on one node, and the nodes have: 1 cores, 0 GPUs and .* GiB \([\d.]+\)",
        large.error,
    )
    assert re.match(
        r"the run asks for 1 cores, 0 GPUs and 0 GiB on one node for each of 3 processes, and the nodes", spread.error
    )


def test_what_a_worker_lacks_is_an_error_that_names_the_node(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a run changes is put back
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(ray, "get_gpu_ids", list)  # it would start a cluster
    request = {"experiment": {**EXPERIMENT, "model": [{"predictor": "gone"}]}, "env": {}, "plugins": [], "threads": 1, "versions": {}, "results": str(tmp_path), "folder": str(tmp_path)}  # fmt: skip
    with pytest.raises(TrainingError, match=r"the node [\d.]+: .*no predictor named 'gone'"):
        list(do_run(request, {}))
    with pytest.raises(TrainingError, match=r"the node [\d.]+: .*gone\.py"):
        list(do_run({**request, "plugins": [str(tmp_path / "gone.py")]}, {}))
    with pytest.raises(
        TrainingError, match=r"the node [\d.]+: this process has torch .* and not 1\.0, as .* Install the same"
    ):
        list(do_run({**request, "versions": {"torch": "1.0"}}, {}))
    with pytest.raises(TrainingError, match=r"the node [\d.]+ does not see the folder /nowhere\. Put the results"):
        list(do_run({**request, "results": "/nowhere"}, {}))


def test_another_version_of_ray_is_told(cluster, tmp_path, monkeypatch):
    found = ray.__version__
    monkeypatch.setattr(ray, "__version__", "2.1.0")
    with pytest.raises(ConfigError, match=rf"the cluster .* cannot be used: Version mismatch: .*Ray: {found}.*Ray: 2\.1\.0.*every node needs the same"):  # fmt: skip
        zoo.bench({**EXPERIMENT, "model": [{"predictor": "popular"}]}, tmp_path / "out", executor="ray", address=cluster.address)  # fmt: skip


@pytest.mark.robust  # a cluster of its own, which ends its workers
def test_a_worker_without_memory_is_an_error_that_says_what_to_reserve(tmp_path):
    code = "import json, sys, zoo; print(*[row.error for row in zoo.bench(json.loads(sys.argv[1]), sys.argv[2], executor='ray').rows()])"
    table = json.dumps({**EXPERIMENT, "model": [{"predictor": "popular"}]})
    full = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "100", "RAY_task_oom_retries": "1"}
    found = subprocess.run([sys.executable, "-c", code, table, str(tmp_path / "out")], env={**os.environ, **full}, capture_output=True, text=True, check=True)  # fmt: skip
    assert (
        "the node had no memory left. Reserve some with [model.resources], so that less runs beside the run."
        in found.stdout
    )


def test_an_address_that_nobody_answers_is_told(tmp_path):
    with pytest.raises(
        ConfigError, match=r"--executor ray: no cluster answers at 127\.0\.0\.1:1 \(.*refused\)\. `ray start"
    ):
        zoo.bench({**EXPERIMENT, "model": [{"predictor": "popular"}]}, tmp_path / "out", executor="ray", address="127.0.0.1:1")  # fmt: skip


def test_paths_are_relative_to_the_folder_of_the_command_and_its_signals_stay(cluster, tmp_path, monkeypatch):
    shop = zoo.load("synthetic-shop", customers=60, items=40, events=1500).read()
    (tmp_path / "data").mkdir()
    pq.write_table(shop.interactions, tmp_path / "data" / "events.parquet")
    monkeypatch.chdir(tmp_path)
    data = {**EXPERIMENT["data"], "source": {"name": "files", "interactions": "data/events.parquet"}}
    handler = signal.getsignal(signal.SIGTERM)
    result = zoo.bench({**EXPERIMENT, "data": data, "model": [{"predictor": "popular"}]}, "out", executor="ray", address=cluster.address)  # fmt: skip
    assert [row.error for row in result.rows()] == [None]
    assert signal.getsignal(signal.SIGTERM) == handler


class Files:
    """Writes a file for each task, and may end its process once."""

    def __init__(self, request):
        self.request = request

    def __call__(self, task):
        kill = os.path.join(self.request["folder"], "kill")
        if task == self.request.get("wrong"):
            raise DataError("task is wrong.")
        if os.path.exists(kill):
            os.unlink(kill)
            os.kill(os.getpid(), signal.SIGKILL)
        with open(os.path.join(self.request["folder"], str(task)), "w") as file:
            file.write(str(os.getpid()))
        return {"task": task}


def test_tasks_are_mapped_by_actors(cluster, tmp_path):
    executor = RayExecutor(RayParams(address=cluster.address))
    (tmp_path / "kill").touch()  # the first task ends its process, and is done again
    found = list(executor.map(Files, {"folder": str(tmp_path)}, range(6), 1))
    assert sorted(answer["task"] for answer in found) == list(range(6))
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(task) for task in range(6)]
    assert list(executor.map(Files, {}, [], 1)) == []
    with pytest.raises(TrainingError, match=r"the node [\d.]+: task is wrong\."):
        list(executor.map(Files, {"folder": str(tmp_path), "wrong": 0}, range(2), 1))
    with pytest.raises(ConfigError, match=r"a worker \(--threads\) asks for 9 cores, .* the nodes have: 1 cores"):
        list(executor.map(Files, {}, [0], 9))
    assert not ray.is_initialized()


def test_all_users_get_the_lists_of_this_process(cluster, tmp_path):
    shop = zoo.load("synthetic-shop", customers=60, items=40, events=1500)
    zoo.fit("popular", zoo.read_log(shop), out=tmp_path / "artifact")
    for name, options in (("here", []), ("there", ["--executor", "ray", "--address", cluster.address])):
        command = [sys.executable, "-m", "zoo", "recommend", str(tmp_path / "artifact"), "--all-users"]
        subprocess.run([*command, "--shard-users", "20", "--out", str(tmp_path / name), *options], check=True)
    here, there = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in ("here", "there"))
    assert there == here
    assert len(here) == 4
