"""What a GPU gives: the same quality as the CPU for every family, tokens per second, and the memory of softmax. Prints JSON lines.

    python tests/speed/gpu.py                       about ten minutes at most; without a GPU it says so and ends
    python tests/speed/gpu.py --device cpu --tiny   the same code on a CPU, in small: its figures say nothing

- `quality`: each predictor of the plugins is fitted on a shop with `device = "cpu"` and with the device. `ok` says that the NDCG@10 of
  both is the same up to .001, or for networks up to the half-width of its confidence interval. The exit code is 1 if one is not.
- `tokens`: positions per second in the second epoch of `sasrec` and `hstu`, sampled softmax with row-wise updates in bfloat16, on 100,000
  and a million items, and the peak of the memory of the device.
- `softmax`: the peak of a step over all items beside the size of its scores, and of a step with sampled negatives.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import zoo
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData

LENGTH = 50
WIDTH = 32


def say(**figures):
    """Print a line."""
    print(json.dumps(figures), flush=True)


def models():
    """Return a table for each predictor that needs only events or item texts, networks small."""
    for component in default_registry().components("predictor"):
        spec, names = component.spec, component.spec.params.model_fields
        params = {"dim": WIDTH} if "dim" in names else {}
        can = spec.capabilities_for(component.params(params))
        features = {} if can.features != "required" else {"featurizer": "tf-idf"}
        table = {"label": spec.name, "predictor": {"name": spec.name, **params}, **features}
        yield table, can.trains_in_epochs


def quality(device, tiny):
    """Compare every family on the device with the CPU; return whether all are the same."""
    size = {"customers": 80, "items": 60, "events": 2000} if tiny else {"customers": 3000, "items": 1000}
    tables = list(models())
    experiment = {
        "data": {
            "source": {"name": "synthetic-shop", **size},
            "accept": ["few-queries", "few-validation-queries", "seen-targets"],
        },
        "evaluate": {"metrics": ["ndcg@10"]},
        "references": False,
        "model": [table for table, _ in tables],
    }
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        for where in ("cpu", device):
            train = {"max_epochs": 1 if tiny else 5, "refit": False, "device": where}
            rows[where] = zoo.bench({**experiment, "train": train}, Path(name, f"on-{where}-{len(rows)}")).rows()
    fine = True
    for (table, trains), one, other in zip(tables, rows["cpu"], rows[device], strict=True):
        if one.error or other.error:
            same = one.error == other.error
            say(what="quality", model=table["label"], cpu=one.error, device=other.error, ok=same)
        else:
            (value, low, high), (found, *_) = one.metrics["ndcg@10"], other.metrics["ndcg@10"]
            width = (high - low) / 2 if trains and low is not None else 0.001
            same = abs(value - found) <= max(width, 0.001)
            say(what="quality", model=table["label"], cpu=round(value, 4), device=round(found, 4), ok=same)
        fine = fine and same
    return fine


def log_of(n_items, n_users):
    """Return a log with sequences one event longer than the networks read, and Zipf's popularity."""
    rng = np.random.default_rng(0)
    items = (rng.zipf(1.1, n_users * (LENGTH + 1)) - 1) % n_items + 1
    return Interactions.from_arrays(np.repeat(np.arange(n_users), LENGTH + 1), items, n_items=n_items)


def epochs(name, log, device, n, batch, **params):
    """Train for some epochs, and return the seconds of the last one."""
    ends = [time.perf_counter()]

    def tell(done, total, note="", **more):
        if device.type == "cuda":
            torch.cuda.synchronize()
        ends.append(time.perf_counter())

    settings = NetworkSettings(batch_size=batch, learning_rate=1e-3, precision="bf16")
    context = RunContext(device=device, epochs=n, progress=tell, training=TrainingEnvironment(settings))
    zoo.load(name, dim=64, length=LENGTH, dropout=0.2, **params).fit(TrainingData.of(log), context)
    return ends[-1] - ends[-2]


def peak(device):
    """Return the peak of the memory of the device in GiB since the last call; None on a CPU."""
    if device.type != "cuda":
        return None
    found = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return round(found, 2)


def tokens(device, tiny):
    """Measure `sasrec` and `hstu` on large catalogues."""
    sampled = {"loss": "sampled-softmax", "negatives": 64 if tiny else 1024, "sparse_updates": True}
    for n_items in (1_000, 2_000) if tiny else (100_000, 1_000_000):
        log = log_of(n_items, 64 if tiny else 100 * 1024)
        for name in ("sasrec", "hstu"):
            peak(device)
            seconds = epochs(name, log, device, 2, 32 if tiny else 1024, **sampled)
            rate = round(log.n_users * LENGTH / seconds)
            say(what="tokens", model=name, items=n_items, tokens_per_s=rate, peak_gib=peak(device))


def softmax(device, tiny):
    """Measure the memory of a step over all items and of one with sampled negatives."""
    n_items, batch = (1_000, 8) if tiny else (100_000, 128)
    log = log_of(n_items, batch * 2)
    for loss, more in (("softmax", {}), ("sampled-softmax", {"negatives": 256})):
        peak(device)
        seconds = epochs("sasrec", log, device, 2, batch, loss=loss, **more)
        scores = round(batch * LENGTH * n_items * 4 / 2**30, 3)
        say(what="softmax", loss=loss, items=n_items, positions=batch * LENGTH, step_s=round(seconds / 2, 4), all_scores_gib=scores, peak_gib=peak(device))  # fmt: skip


def main():
    """Measure all."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    options.add_argument("--tiny", action="store_true", help="small data, to try the script itself")
    options = options.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        say(what="gpu", found=None, note="torch finds no GPU on this machine; --device cpu --tiny tries the script")
        return 0
    device = torch.device(options.device)
    say(what="gpu", found=torch.cuda.get_device_name() if device.type == "cuda" else "cpu", torch=torch.__version__)
    start = time.perf_counter()
    fine = quality(options.device, options.tiny)
    tokens(device, options.tiny)
    softmax(device, options.tiny)
    say(what="gpu", seconds=round(time.perf_counter() - start), ok=fine)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
