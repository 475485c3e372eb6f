"""How fast the trained text encoders learn, as ratios to a bare loop over the same module. Prints JSON lines.

    python tests/speed/encoders.py [ENCODER ...]      all three by default

Titles are eight random words by Zipf's law, users take twenty items each. The bare loop has its batches in memory, and does
nothing but encode, take an in-batch softmax and step; ours draws pairs, pads texts, corrects for popularity, reports and
keeps time. Both run by turns in one process, and medians of an epoch are compared.
"""

import json
import sys
import time
from statistics import median

import numpy as np
import pyarrow as pa
import torch
from torch.nn.functional import cross_entropy, normalize

import zoo
from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.pairs import Neighbours, PairExamples

ITEMS, USERS, EVENTS, WORDS = 10_000, 5_000, 20, 5_000
SETTINGS = NetworkSettings(batch_size=512)
ENCODERS = ("text-cnn", "text-rnn", "text-transformer")
ROUNDS = 3


def shop():
    """Return items with titles, and what users took."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i:x}" for i in range(WORDS)])
    titles = [None, *(" ".join(row) for row in words[(rng.zipf(1.1, (ITEMS, 8)) - 1) % WORDS].tolist())]
    items = (rng.zipf(1.2, USERS * EVENTS) - 1) % ITEMS + 1
    log = Interactions.from_arrays(np.repeat(np.arange(USERS), EVENTS), items, n_items=ITEMS)
    return TrainingData.of(log, Catalogue(pa.array([None, *map(str, range(ITEMS))]), pa.table({"title": titles})))


def ours(name, data):
    """Return the encoder, fitted, and the seconds of an epoch."""
    featurizer, ends = zoo.load(name, stage="featurizer"), [time.perf_counter()]
    context = RunContext(
        epochs=3,
        progress=lambda done, total, note="": ends.append(time.perf_counter()),
        training=TrainingEnvironment(settings=SETTINGS),
    )
    featurizer.fit(data, context)
    return featurizer, median(np.diff(ends)[1:])


def bare(featurizer, batches):
    """Return the seconds of an epoch over batches in memory."""
    network = featurizer.build(featurizer.tokenizer.size)
    optimizer, seconds = torch.optim.AdamW(network.parameters(), 1e-3, fused=True), []
    for _ in range(3):
        start = time.perf_counter()
        for texts, left, candidates, right in batches:
            vectors = normalize(network(texts), dim=1)
            optimizer.zero_grad()
            cross_entropy(vectors[left] @ vectors[candidates].T / 0.1, right).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])


if __name__ == "__main__":
    data = shop()
    for name in sys.argv[1:] or ENCODERS:
        us, them = [], []
        for _ in range(ROUNDS):
            featurizer, seconds = ours(name, data)
            us.append(seconds)
            texts = featurizer.tokenizer(data.catalogue.texts(["title"]), featurizer.params.text_length)
            neighbours = Neighbours(data.interactions, featurizer.params.window, texts.lengths > 0)
            examples = PairExamples(neighbours, texts, 100_000, SETTINGS.batch_size, np.random.default_rng(0))
            batches = [(b.texts, b.left, b.candidates, b.right) for b in examples]
            them.append(bare(featurizer, batches))
        n_texts = sum(len(b[0].lengths) for b in batches)
        print(json.dumps({
            "what": name, "epoch_s": round(median(us), 2), "bare_epoch_s": round(median(them), 2),
            "texts_per_s": round(n_texts / median(us)), "ratio": round(median(us) / median(them), 2),
        }), flush=True)  # fmt: skip
