"""The logs that the benchmarks read: a real data set where ZOO_DATA has it, otherwise a generated log of the same size.

A generated log has as many users, items and events. Popularity follows Zipf's law and the lengths of histories a log-normal one; an item
occurs once in a history, and each user prefers some of 20 groups of items. Ratios of times are close to those on real data; the quality of
lists is that of the made tastes. Its folder is named `like-ml-1m`, and so the printed lines name it.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("ZOO_DATA", ROOT.parent / "shared" / "data"))
MADE = ROOT / "build" / "speed"
SIZES = {"ml-1m": (6_040, 3_416, 999_611), "amazon-beauty": (22_363, 12_101, 198_502)}
"""Users, items and events of the data sets."""
SHORTEST, GROUPS = 5, 20


def log_folder(name):
    """Return the folder of a data set, or of a log of its size that is generated at the first call."""
    if (REAL / name).is_dir():
        return REAL / name
    folder = MADE / f"like-{name}"
    if not (folder / "interactions.parquet").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(generate(*SIZES[name]), folder / "interactions.parquet")
    return folder


def generate(users, items, events):
    """Return a log with the columns `user_id`, `item_id` and `position`."""
    rng = np.random.default_rng(0)
    lengths = SHORTEST + rng.lognormal(0.0, 1.0, users)
    lengths = SHORTEST + (lengths - SHORTEST) * (events / users - SHORTEST) / (lengths - SHORTEST).mean()
    lengths = np.minimum(lengths.round().astype(int), items // 2)
    popularity = np.log(1 / (10 + np.arange(items)))
    group = rng.integers(0, GROUPS, items)
    histories = []
    for length in lengths:
        taste = rng.normal(0.0, 1.5, GROUPS)[group]
        draws = popularity + taste + rng.gumbel(size=items)  # the largest are a draw without replacement
        chosen = np.argpartition(-draws, length)[:length]
        histories.append(rng.permutation(chosen))
    return pa.table(
        {
            "user_id": np.repeat(np.arange(users), lengths),
            "item_id": np.concatenate(histories),
            "position": np.concatenate([np.arange(length) for length in lengths]),
        }
    )
