"""Memory is checked before a fit: what a component declares against what the machine and its control groups leave."""

import contextlib
import ctypes
import gc
import subprocess
import sys

import numpy as np
import pytest
import torch

import zoo
from zoo.benchmark.fits.peak_memory import peak_memory
from zoo.benchmark.machine import MIB
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.data_size import DataSize
from zoo.errors import ResourceError
from zoo.params import Params
from zoo.pipeline.memory_check import available_bytes, size_of
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData

CPU = torch.device("cpu")
EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
    "split": {"cuts": [0.8]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "model": [{"predictor": "ease"}, {"predictor": "popular"}],
}


def machine(root, group, **files):
    """Write the files that describe a machine with 8 GiB of available memory, and a control group."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    (root / "proc/self/cgroup").write_text(group)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name.replace("_of_", ".")).write_text(content)
    return available_bytes(CPU, root)


def test_a_machine_without_limits_has_its_available_memory(tmp_path):
    assert machine(tmp_path, "0::/\n") == 8 * 2**30
    assert available_bytes(CPU) > 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds a process to these limits")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
@pytest.mark.robust
def test_a_process_has_what_its_own_limits_leave(limit):
    code = (
        "import resource, torch; from pathlib import Path; from zoo.pipeline.memory_check import available_bytes; "
        f"resource.setrlimit(resource.{limit}, (2**36, 2**36)); print(available_bytes(torch.device('cpu'))); "
        f"resource.setrlimit(resource.{limit}, (2**20, 2**20)); print(available_bytes(torch.device('cpu')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    within, beyond = map(int, done.stdout.split())
    assert 0 < within < 2**36
    assert beyond == 0


def test_a_container_has_what_its_limit_leaves_and_the_cache_of_files(tmp_path):
    files = {
        "memory_of_max": f"{2**30}\n",
        "memory_of_current": f"{2**29}\n",
        "memory_of_stat": f"anon 1\ninactive_file {2**28}\n",
    }
    assert machine(tmp_path, "0::/\n", **files) == 2**30 - 2**29 + 2**28


def test_the_limit_of_a_group_above_counts(tmp_path):
    own = {
        "job__step__memory_of_max": "max\n",
        "job__step__memory_of_current": "5\n",
        "job__step__memory_of_stat": "anon 1\n",
    }
    above = {"job__memory_of_max": "4096\n", "job__memory_of_current": "96\n", "job__memory_of_stat": "anon 1\n"}
    assert machine(tmp_path, "0::/job/step\n", **own, **above) == 4000


def test_control_groups_of_version_1_are_read(tmp_path):
    files = {
        "memory__memory_of_limit_in_bytes": "1000\n",
        "memory__memory_of_usage_in_bytes": "400\n",
        "memory__memory_of_stat": "total_inactive_file 100\n",
    }
    assert machine(tmp_path, "5:cpu:/\n4:memory:/docker/abc\n", **files) == 700


def test_a_model_that_needs_too_much_is_a_row_with_the_error_and_the_rest_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.pipeline.memory_check.available_bytes", lambda device: 2**10)
    ease, popular = zoo.bench(EXPERIMENT, tmp_path).rows()
    assert popular.error is None  # it declares nothing
    assert ease.error.startswith("ResourceError: ease needs about 0.0 GiB to be fitted on 40 users, ")
    assert (
        "but 0.0 GiB are available on cpu. Leave out rare items (`k_core` in [data]), use a machine with more memory"
        in ease.error
    )
    with pytest.raises(ResourceError, match="ease needs about"):
        zoo.fit(EXPERIMENT, "ease")


def test_the_message_has_gibibytes(monkeypatch, tmp_path):
    monkeypatch.setattr("zoo.pipeline.memory_check.available_bytes", lambda device: 3 * 2**30)
    monkeypatch.setattr(
        "zoo.pipeline.memory_check.size_of", lambda log, batch_size: DataSize(1_000_000, 40_000, 20_000_000)
    )
    with pytest.raises(ResourceError) as error:
        zoo.fit(EXPERIMENT, "ease")
    assert str(error.value) == (
        "ease needs about 11.9 GiB to be fitted on 1,000,000 users, 40,000 items and 20,000,000 events, but 3.0 GiB are "
        "available on cpu. Leave out rare items (`k_core` in [data]), use a machine with more memory, or choose another model."
    )


def test_a_component_without_an_estimate_declares_none():
    assert Params().fit_memory(DataSize(10**9, 10**9, 10**12)) is None


def log_of(items, users, each):
    """Return a log in which users take items at random, and each item is taken."""
    rng = np.random.default_rng(0)
    taken = np.concatenate([rng.integers(1, items + 1, users * each), np.arange(1, items + 1)])
    owners = np.concatenate([np.repeat(np.arange(users), each), rng.integers(0, users, items)])
    return Interactions.from_arrays(owners, taken, np.arange(len(taken)), n_items=items)


def peak_of(predictor, log):
    """Return the bytes that a fit adds to this process at its peak."""
    settings = NetworkSettings(max_epochs=1, batch_size=256)
    context, data = RunContext(training=TrainingEnvironment(settings)), TrainingData.of(log)
    gc.collect()
    with contextlib.suppress(AttributeError):  # return to the system what earlier tests have freed
        ctypes.CDLL(None).malloc_trim(0)
    with peak_memory() as before:
        pass
    with peak_memory() as peak:
        predictor.fit(data, context)
    return (peak.mib - before.mib) * MIB


@pytest.mark.parametrize(
    ("name", "params", "shape"),
    [
        ("ease", {}, (2000, 500, 5)),
        ("ease", {}, (4000, 500, 5)),
        ("als", {"factors": 256, "iterations": 1}, (5_000, 20_000, 2)),
        ("als", {"factors": 256, "iterations": 1}, (10_000, 40_000, 2)),
        ("item-knn", {"k": 400}, (8_000, 2_000, 4)),
        ("item-item-mf", {}, (10_000, 3_000, 4)),
        ("item-item-mf", {}, (20_000, 6_000, 4)),
        ("elsa", {"dim": 256}, (2_000, 20_000, 2)),
        ("bpr-mf", {"dim": 256}, (20_000, 20_000, 2)),
        ("sasrec", {"dim": 128, "loss": "sampled-softmax"}, (60_000, 300, 10)),
    ],
)
@pytest.mark.robust
def test_an_estimate_is_near_the_peak_and_refuses_nothing_that_fits(name, params, shape):
    predictor, log = zoo.load(name, "predictor", **params), log_of(*shape)
    estimate, peak = predictor.params.fit_memory(size_of(log, 256)), peak_of(predictor, log)
    assert 0.25 * peak - 64 * MIB < estimate < 1.5 * peak + 16 * MIB, (
        f"estimate {estimate / MIB:.0f} MiB, peak {peak / MIB:.0f} MiB"
    )
