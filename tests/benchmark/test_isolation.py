"""Rows in processes of their own: the same figures, and a row that ends its process fails alone."""

import errno
import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import zoo
from zoo.benchmark.executors.requests import experiment_table
from zoo.benchmark.progress import Progress
from zoo.config.load import experiment_from, load_experiment
from zoo.config.resolved_base import digest
from zoo.errors import ConfigError

MODELS = """
    import ctypes, os, signal, time
    import numpy as np
    import torch
    from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

    class Base(Predictor):
        def fit(self, data, context):
            self.noise = context.generator("noise")
            context.progress(1, 2, "half")
            self.act()

        def act(self):
            pass

        def score(self, queries):
            return torch.rand((len(queries), queries.log.n_items + 1), generator=self.noise)

    class Exits(Base):
        def act(self):
            os._exit(0)

    class Faults(Base):
        def act(self):
            ctypes.string_at(0)

    class Killed(Base):
        def act(self):
            os.kill(os.getpid(), signal.SIGKILL)

    class Hungry(Base):
        def act(self):
            np.empty(2**36, np.uint8)

    class Raises(Base):
        def act(self):
            raise ValueError("no")

    class Hangs(Base):
        def act(self):
            while True:
                time.sleep(1)

    NAMES = ("Base", "Exits", "Faults", "Killed", "Hungry", "Raises", "Hangs")

    @hookimpl
    def zoo_components():
        drawn = Capabilities(deterministic=False)
        return [
            ComponentSpec(n.lower(), "predictor", f"crashing_models:{n}", Params, "A test.", capabilities=drawn, api=2)
            for n in NAMES
        ]
"""


@pytest.fixture
def models(tmp_path):
    """Return the file of a plugin whose models end their process in several ways."""
    file = tmp_path / "crashing_models.py"
    file.write_text(textwrap.dedent(MODELS))
    yield file
    sys.modules.pop("crashing_models", None)


def experiment(*models, **more):
    return {
        "data": {"source": {"name": "synthetic-shop", "customers": 60, "items": 60, "events": 1500}},
        "split": {"cuts": [0.7, 0.85]},
        "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
        "model": [{"predictor": model} for model in models],
        **more,
    }


@pytest.mark.robust
def test_a_row_that_ends_its_process_fails_alone(tmp_path, models):
    phases = []

    class Noted(Progress):
        def phase(self, name, done, total, note="", **more):
            phases.append((name, done, total, note))

    crashing = ("exits", "faults", "killed", "hungry", "raises")
    config = experiment(*crashing, "base")
    store = zoo.bench(config, tmp_path / "out", plugins=[models], isolate=True, memory=16, progress=Noted())
    errors = {row.label: row.error for row in store.rows()}
    assert errors.pop("base") is None
    assert errors.pop("exits") == "TrainingError: the process of the run ended with exit code 0 and without a result."
    assert errors.pop("faults") == "TrainingError: the process of the run was ended by the signal SIGSEGV."
    assert errors.pop("killed") == (
        "TrainingError: the process of the run was ended by the signal SIGKILL, as the kernel does if the memory of the machine is full."
    )
    hungry = errors.pop("hungry")
    assert "the run needs more memory than the limit of 16 GiB (--memory): " in hungry
    assert "64.0 GiB" in hungry
    assert errors.pop("raises").startswith("ValueError: no (")
    assert not errors
    assert ("fit", 1, 2, "half") in phases
    assert any(name == "recommend" for name, *_ in phases)
    # what is there is what a benchmark in one process finds, which repeats the failed rows only
    seen = []

    class Seen(Progress):
        def finished(self, row, *, resumed):
            seen.append((row.label, resumed))

    again = zoo.bench(experiment("raises", "base"), tmp_path / "out", plugins=[models], progress=Seen())
    assert seen == [("base", True), ("raises", False)]
    plain = zoo.bench(experiment("base"), tmp_path / "plain", plugins=[models])
    [row], [_, apart] = plain.rows(), again.rows()
    assert (row.key, row.metrics, row.slices) == (apart.key, apart.metrics, apart.slices)
    assert plain.lists(row).equals(again.lists(apart))
    assert not list((tmp_path / "out").glob("**/.*"))


@pytest.mark.robust
def test_a_row_that_takes_too_long_is_ended(tmp_path, models):
    [row] = zoo.bench(experiment("hangs"), tmp_path / "out", plugins=[models], isolate=True, time=0.02).rows()
    assert row.error == "TrainingError: the run took longer than 0.02 minutes (--time). Its process was ended."


def is_running(pid):
    """Return whether a process runs; one that has ended may wait for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks processes up in /proc")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_run_does_not_outlive_its_benchmark(tmp_path, models, sign):
    started = tmp_path / "pid"
    models.write_text(
        models.read_text().replace(
            "while True:", f"open({str(started)!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(1)\n        while True:"
        )
    )
    code = "import json, sys, zoo; zoo.bench(json.loads(sys.argv[1]), sys.argv[2], plugins=[sys.argv[3]], isolate=True)"
    benchmark = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(experiment("hangs")), str(tmp_path / "out"), str(models)],
        stderr=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while not (started.exists() and started.read_text().endswith(" ")):
        assert benchmark.poll() is None
        time.sleep(0.1)
    run = int(started.read_text())
    assert is_running(run)
    benchmark.send_signal(sign)
    assert benchmark.wait() != 0
    while is_running(run):  # a run that outlives its benchmark makes this test hang
        time.sleep(0.1)


@pytest.mark.parametrize(("given", "message"), [
    ({"memory": 2}, r"--memory 2 limits the processes of --isolate, which is not set\. Add --isolate \(in Python, isolate=True\), or remove --memory\."),
    ({"time": 1.5}, r"--time 1\.5 limits the processes of --isolate, which is not set\."),
    ({"isolate": True, "time": 0.0}, r"--time: expected a number greater than 0, found 0\."),
    ({"isolate": True, "memory": float("nan")}, r"--memory: expected a number greater than 0, found nan\."),
])  # fmt: skip
def test_a_limit_that_cannot_be_set_is_refused_before_anything_is_read(tmp_path, given, message):
    with pytest.raises(ConfigError, match=message):
        zoo.bench(tmp_path / "nowhere.toml", tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_the_table_of_an_experiment_resolves_to_the_same_experiment(tmp_path):
    (tmp_path / "denied.txt").write_text("i1\n")
    config = {
        "data": {"source": {"name": "files", "interactions": "events.csv"}, "time": "timestamp"},
        "split": {"policy": "temporal", "cuts": ["2024-09-01", "2024-10-01T12:30:00Z", "2024-11-01"]},
        "evaluate": {"metrics": ["diversity@5", "ndcg@5"], "features": "tf-idf", "bootstrap": 100},
        "train": {"seeds": [3, 4], "max_epochs": 2, "monitor": "hit@5", "logger": "csv", "threads": 1},
        "model": [
            {"predictor": "popular", "filters": [{"name": "deny-list", "file": "denied.txt"}]},
            {
                "label": "two stages",
                "predictor": {"name": "sasrec", "dim": 16},
                "featurizer": {"name": "tf-idf", "columns": ["title"]},
                "rankers": ["neural-ranker", "mmr"],
                "candidate_features": {"groups": ["popularity"]},
                "train": {"batch_size": 8},
                "ranker_train": {"max_epochs": 3},
            },
        ],
    }  # fmt: skip
    found = experiment_from(config, tmp_path)
    again = experiment_from(experiment_table(found))
    assert again.as_json() == found.as_json()
    assert again.train.logger == "csv"
    assert [m.label for m in again.models] == ["popular", "two stages"]


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_table_of_an_example_resolves_to_the_same_experiment(file, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", "data")
    monkeypatch.chdir(file.parents[1])
    try:
        found = load_experiment(file)
    except ConfigError as error:
        pytest.skip(f"the example needs a file or a plugin: {error}")
    again = experiment_from(experiment_table(found))
    assert digest(again.as_json()) == digest(found.as_json())


def test_a_row_whose_process_cannot_be_started_fails_alone(tmp_path, monkeypatch):
    def refuse(*args, **more):
        raise OSError(errno.EAGAIN, "no process is left")

    monkeypatch.setattr("zoo.benchmark.executors.isolation.subprocess.Popen", refuse)
    config = {**experiment("popular", "random"), "references": False}
    rows = zoo.bench(config, tmp_path / "out", isolate=True).rows()
    assert len(rows) >= 2
    assert all("no process is left" in row.error for row in rows)


@pytest.mark.skipif(sys.platform == "win32", reason="--isolate needs Linux or macOS")
def test_a_log_from_files_is_read_by_the_process_of_each_run(tmp_path):
    rows = [f"u{i % 12},i{i * 7 % 10},{i}" for i in range(120)]
    (tmp_path / "events.csv").write_text("\n".join(["user,item_id,position", *rows]))
    log = zoo.read_log(tmp_path / "events.csv", user_id="user", time="position")
    how = {"metrics": ["ndcg@5"], "references": False, "split": zoo.LeaveLastOut(), "evaluate": {"exclude_seen": False}}
    store = zoo.bench({"mine": zoo.load("item-knn", k=5)}, log, out=tmp_path / "out", isolate=True, **how)
    (row,) = store.rows()
    assert (row.label, row.error) == ("mine", None)
    (alone,) = zoo.bench({"mine": zoo.load("item-knn", k=5)}, log, **how).rows()
    assert (alone.key, alone.metrics) == (row.key, row.metrics)


def test_a_log_from_frames_has_no_processes():
    log = zoo.read_log({"user_id": ["a", "b"] * 9, "item_id": list("xyzxyzxyz") * 2, "timestamp": list(range(18))})
    with pytest.raises(ConfigError) as error:
        zoo.bench(["popular"], log, isolate=True)
    assert str(error.value) == (
        "zoo.bench: isolate, executor, memory and time need data that the process of a run can read, and this log comes from data frames, "
        "which only this process has. Write them to Parquet files and give their paths to zoo.read_log, or leave the options out."
    )
