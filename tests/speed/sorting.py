"""What soft sorting costs, and how it learns by its wires. Prints a JSON line for each measurement.

    python tests/speed/sorting.py [loss | growth | wires | rerank | train ...]     all but `wires` by default

- `loss`: the relaxed NDCG of 128 lists of 128, forward and backward, against the library `diffsort`, which sorts as many
  through the same network by its matrix of permutations; both by turns.
- `growth`: the same for 32 to 1,024 candidates, the time for each n log^2 n (relative to 128), and the most memory that a
  fresh process takes for it beyond what it holds before.
- `wires`: NDCG@10 of 64 lists of 100 free scores, three in a hundred relevant, after 150 steps on the relaxed NDCG.
- `rerank`: a list of 200 candidates with 30 features through each ranker, against the bare forward pass of its network, by
  turns.
- `train`: 2,000 lists of 50 to 100 candidates through `sorting-network`'s training, lists a second, against a bare loop
  over batches of the same network and loss.

Wants an otherwise idle machine.
"""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from bare.calls import call
from shopzoo_sorting.loss import ndcg_loss
from shopzoo_sorting.network import SoftSort
from shopzoo_sorting.params import SortingAutoencoderParams, SortingNetworkParams
from shopzoo_sorting.sorting_autoencoder import SortingAutoencoder
from shopzoo_sorting.sorting_network import SortingNetwork

from zoo.api import RankingData, RunContext
from zoo.config.train import RANKER_DEFAULTS
from zoo.nn.lists import ListInputs

BATCH = 128
RANKERS = {
    "sorting-network": SortingNetwork(SortingNetworkParams()),
    "sorting-network, set attention": SortingNetwork(SortingNetworkParams(scorer="set-attention")),
    "sorting-network, comparator": SortingNetwork(SortingNetworkParams(mode="comparator")),
    "sorting-autoencoder": SortingAutoencoder(SortingAutoencoderParams(pretrain_epochs=1)),
}


def lists_of(batch, n, share=0.1):
    """Return scores, labels and mask `[B, K]`, the first of each list relevant, and others by chance."""
    g = torch.Generator().manual_seed(0)
    labels = (torch.rand(batch, n, generator=g) < share).float().index_fill(1, torch.tensor(0), 1.0)
    return torch.randn(batch, n, generator=g).requires_grad_(), labels, torch.ones(batch, n, dtype=torch.bool)


def milliseconds(n, runs=15):
    """Return the median time of the loss and its gradient."""
    scores, labels, mask = lists_of(BATCH, n)
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        ndcg_loss(scores, labels, mask, SoftSort(wires="random")).backward()
        times.append(1e3 * (time.perf_counter() - start))
    return median(times[3:])


def loss():
    """Compare with the library."""
    us, them = [], []
    for _ in range(2):
        them.append(call("diffsort", 128, BATCH)["ms"])
        us.append(milliseconds(128))
    figures = {"ms": round(median(us), 1), "diffsort_ms": round(median(them), 1)}
    print(json.dumps({"what": "loss", "n": 128, **figures, "ratio": round(median(us) / median(them), 4)}), flush=True)


def growth():
    """Measure longer lists."""
    work = lambda n: n * math.log2(n) ** 2  # noqa: E731
    ms = {n: milliseconds(n) for n in (32, 64, 128, 256, 512, 1024)}
    for n, found in ms.items():
        command = [sys.executable, __file__, "memory", str(n)]
        mib = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        relative = found / work(n) / (ms[128] / work(128))
        figures = {"ms": round(found, 1), "per_n_log2_n": round(relative, 2), "mib": mib}
        print(json.dumps({"what": "growth", "n": n, **figures}), flush=True)


def memory(n):
    """Print by how many MiB one step raises the peak of this process."""
    scores, labels, mask = lists_of(BATCH, n)
    small = lists_of(2, 8)
    ndcg_loss(*small, SoftSort(wires="random")).backward()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is held now
    before = held("VmRSS")
    ndcg_loss(scores, labels, mask, SoftSort(wires="random")).backward()
    print(round((held("VmHWM") - before) / 2**10))


def held(name):
    """Return how much memory this process holds (VmRSS) or held at most (VmHWM), in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def wires():
    """Compare what free scores learn."""
    torch.manual_seed(0)
    for network in ("bitonic", "odd-even"):
        for sigmoid in ("logistic", "cauchy", "reciprocal", "optimal"):
            reached = {}
            for chosen in ("listed", "sorted", "random"):
                reached[chosen] = [learned(SoftSort(network, sigmoid, b, chosen)) for b in (1.0, 4.0, 16.0)]
            figures = {"network": network, "sigmoid": sigmoid, "steepness": [1, 4, 16]}
            print(json.dumps({"what": "wires", **figures, **reached}), flush=True)


def learned(sort):
    """Return the NDCG@10 that free scores reach."""
    scores, labels, mask = lists_of(64, 100, 0.02)
    optimiser = torch.optim.Adam([scores], lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        ndcg_loss(scores, labels, mask, sort).backward()
        optimiser.step()
    return round(1 - float(ndcg_loss(scores.detach(), labels, mask, SoftSort(steepness=math.inf), 10)), 3)


def judged(n, shortest, longest):
    """Return lists with 30 features, a tenth of the candidates relevant."""
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(shortest, longest + 1, n))])
    count = int(offsets[-1])
    features = torch.from_numpy(rng.normal(size=(count, 30)).astype(np.float32))
    labels = torch.from_numpy((rng.random(count) < 0.1).astype(np.float32))
    items, columns = torch.arange(1, count + 1), tuple(f"f{i}" for i in range(30))
    return RankingData(offsets, items, torch.zeros(count), features, labels, columns, None, np.ones(n, bool))


def rerank():
    """Compare one list's scores with the network's."""
    data = judged(60, 200, 200)
    for name, ranker in RANKERS.items():
        ranker.fit(data, RunContext(epochs=1).for_ranker())
        lists, us, them = data.lists(np.arange(1)), [], []

        def bare(ranker=ranker, lists=lists):
            with torch.inference_mode():
                return ranker.network(lists.features, lists.mask)

        for at in range(600):
            runs = [(lambda ranker=ranker, lists=lists: ranker.score(lists), us), (bare, them)]
            for run, times in runs[:: 1 if at % 2 else -1]:
                start = time.perf_counter()
                run()
                times.append(1e3 * (time.perf_counter() - start))
        us, them = median(us[100:]), median(them[100:])
        figures = {"p50_ms": round(us, 2), "bare_p50_ms": round(them, 2), "ratio": round(us / them, 2)}
        print(json.dumps({"what": "rerank", "ranker": name, **figures}), flush=True)


def train():
    """Compare a training with a bare loop."""
    data, epochs = judged(2_000, 50, 100), 4
    ranker, ends = SortingNetwork(SortingNetworkParams()), []
    ranker.fit(data, RunContext(epochs=epochs, progress=lambda *_: ends.append(time.perf_counter())).for_ranker())
    us = len(data) / median(np.diff(ends))
    inputs = ListInputs.of(data.features, ranker.params.inputs)
    model = ranker.build(inputs.width)
    steps = torch.optim.AdamW(model.parameters(), RANKER_DEFAULTS["learning_rate"], weight_decay=0.0)
    order = np.argsort(data.lengths)
    size = RANKER_DEFAULTS["batch_size"]
    batches = [data.lists(order[i : i + size]) for i in range(0, len(order), size)]
    batches = [(inputs(b.features, b.mask), b.labels, b.mask) for b in batches]
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for read, labels, mask in batches:
            steps.zero_grad()
            ranker.loss(model(read, mask), labels, mask).backward()
            steps.step()
        seconds.append(time.perf_counter() - start)
    them = len(data) / median(seconds[1:])
    figures = {"lists_per_s": round(us), "bare_lists_per_s": round(them), "ratio": round(them / us, 2)}
    print(json.dumps({"what": "train", **figures}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        memory(int(sys.argv[2]))
        sys.exit()
    for chosen in sys.argv[1:] or ["loss", "growth", "rerank", "train"]:
        {"loss": loss, "growth": growth, "wires": wires, "rerank": rerank, "train": train}[chosen]()
