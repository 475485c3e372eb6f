"""Measure the benefit of pretraining without labels if few lists have labels: `sorting-autoencoder` on MQ2007-agg, fold 1.

    ZOO_DATA=/path/to/data python examples/few_labels.py

A share of the training lists, drawn for each of three seeds, keeps its labels; all rankers get the same labels for a seed.
The number of epochs is chosen on the validation part for all rankers. The script prints a JSON line per ranker and share:
the mean NDCG@10 over seeds on the validation and test parts, where a query without a relevant document counts 0. Rankers with
the same encoder differ in their training: a listwise loss, a sorting network, or the autoencoder and its ablations. It takes
about a quarter of an hour on one core.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow.parquet as pq
import torch

import zoo
from zoo.api import Ranker, RankingData, RunContext
from zoo.nn import list_ndcg

JUDGMENTS = Path(os.environ.get("ZOO_DATA", "data")) / "ltr-mq2007-agg" / "judgments.parquet"
SHARES, SEEDS = (0.01, 0.03, 0.1), (0, 1, 2)
ALIKE = {"inputs": "ranks", "dim": 32, "blocks": 1}
TRAIN = {"learning_rate": 3e-3, "patience": 6}
SET = {**ALIKE, "scorer": "set-attention"}
RANKERS = {
    "mlp, softmax": ("neural-ranker", ALIKE),
    "set attention, softmax": ("neural-ranker", SET),
    "set attention, sorting network": ("sorting-network", {**SET, "sigmoid": "cauchy"}),
    "autoencoder": ("sorting-autoencoder", ALIKE),
    "autoencoder, not pretrained": ("sorting-autoencoder", {**ALIKE, "pretrain_epochs": 0}),
    "autoencoder, not sorted": ("sorting-autoencoder", {**ALIKE, "sorting": "none"}),
    "autoencoder, at random": ("sorting-autoencoder", {**ALIKE, "sorting": "random"}),
}


def load_parts(*parts: int) -> RankingData:
    """Return the lists of some parts of the data set."""
    table = pq.read_table(JUDGMENTS).sort_by([("part", "ascending"), ("query_id", "ascending")])
    table = table.filter(np.isin(table["part"].to_numpy(), parts))
    query, n = table["query_id"].to_numpy(), len(table)
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(query)) + 1, [n]])
    columns = tuple(name for name in table.column_names if name.startswith("rank"))
    features = np.stack([table[name].to_numpy(zero_copy_only=False).astype(np.float32) for name in columns], axis=1)
    labels = torch.from_numpy(table["label"].to_numpy().astype(np.float32))
    known = np.ones(len(offsets) - 1, bool)
    items, scores = torch.arange(1, n + 1), torch.zeros(n)
    return RankingData(offsets, items, scores, torch.from_numpy(features), labels, columns, None, known)


def hide_labels(data: RankingData, share: float, seed: int) -> RankingData:
    """Remove the labels of all lists except a random share."""
    known = np.zeros(len(data), bool)
    known[np.random.default_rng(seed).permutation(len(data))[: round(share * len(data))]] = True
    return replace(data, labelled=known, labels=data.labels * torch.from_numpy(np.repeat(known, data.lengths)))


def ndcg(ranker: Ranker, data: RankingData) -> float:
    """Return the mean NDCG@10."""
    lists = data.lists()
    return float(list_ndcg(ranker.score(lists), lists.labels, lists.mask, 10).nan_to_num(0.0).mean())


def main() -> None:
    """Fit all rankers, and print their metrics."""
    train, validation, test = load_parts(1, 2, 3), load_parts(4), load_parts(5)
    for label, (name, params) in RANKERS.items():
        for share in SHARES:
            found = []
            for seed in SEEDS:
                ranker = zoo.load(name, stage="ranker", **params)
                ranker.fit(
                    replace(hide_labels(train, share, seed), validation=validation),
                    RunContext(seed).for_ranker(**TRAIN),
                )
                found.append([ndcg(ranker, part) for part in (validation, test)])
            valid, tested = ([round(value, 4) for value in values] for values in zip(*found, strict=True))
            figures = {"validation": round(mean(valid), 4), "test": round(mean(tested), 4), "test_seeds": tested}
            print(json.dumps({"ranker": label, "labels": share, **figures}), flush=True)


if __name__ == "__main__":
    if not JUDGMENTS.is_file():
        sys.exit(f"no file {JUDGMENTS}; set ZOO_DATA")
    torch.set_num_threads(1)
    main()
