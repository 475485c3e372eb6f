"""Reading a log into one array of items for each user, and what all comparisons share."""

import statistics
import time

import numpy as np
import pyarrow.parquet as pq


def load(folder):
    """Return the users' items in time order, numbered from 1, as a list of arrays; and the number of items."""
    table = pq.read_table(f"{folder}/interactions.parquet")
    when = table["position" if "position" in table.column_names else "timestamp"].to_numpy()
    user = np.unique(table["user_id"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    item = np.unique(table["item_id"].to_numpy(zero_copy_only=False), return_inverse=True)[1] + 1
    order = np.lexsort((np.arange(len(user)), when, user))
    user, item = user[order], item[order]
    return np.split(item, np.flatnonzero(np.diff(user)) + 1), int(item.max())


def csr(sequences):
    """Return offsets and items of all sequences in one array."""
    return np.concatenate([[0], np.cumsum([len(s) for s in sequences])]), np.concatenate(sequences)


def hr_ndcg(top, target, k=10):
    """Return HR@k and NDCG@k for one target a user; `top` is `[U, >=k]`, best first."""
    hit = top[:, :k] == target[:, None]
    rank, found = hit.argmax(1), hit.any(1)
    gain = np.where(found, 1 / np.log2(rank + 2), 0)
    return round(float(found.mean()), 4), round(float(gain.mean()), 4)


def median(function, runs=5):
    """Return the median seconds of a call, after one that warms up, and what the last one returned."""
    function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result
