"""The data sets of the search for defaults: what `search.py` trains on, without any event of a test part.

The last unit of each user is removed first: it is the test part of every other measurement. The last unit that remains is
the target. A unit is a session, a basket, or all events of one moment; on data with an order only, a single event. Half of
the users, chosen by a hash, have their target in the validation part, which early stopping reads; the other half measure
the result. `fold` 1 exchanges the halves.
"""

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DATA = Path(os.environ.get("ZOO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Set:
    """A data set.

    Attributes:
        time: The columns that order a user's events.
        unit: The column of sessions or baskets; by default the moment.
        user: The column of users.
        repeats: Whether items that a user had before may be recommended.
        core: The fewest events of an item among these users.
    """

    time: str
    unit: str = ""
    user: str = "user_id"
    repeats: bool = False
    core: int = 1


SETS = {
    "amazon-musical-instruments": Set("timestamp"),
    "shop": Set("timestamp", "session_id", repeats=True),
    "ml-100k": Set("timestamp"),
    "yoochoose-100k": Set("timestamp", user="session_id", repeats=True),
    "amazon-beauty": Set("position", core=3),
    "online-retail": Set("timestamp"),
    "amazon-toys": Set("position", core=3),
    "ml-1m": Set("position"),
    "amazon-sports": Set("position", core=3),
    "diginetica-sessions": Set("position", user="session_id", repeats=True),
    "complete-journey": Set("timestamp", "session_id", repeats=True, core=5),
}
HELD_OUT = ("amazon-sports", "diginetica-sessions", "complete-journey")
"""Left out of the choice: the defaults are checked on them."""


def read(name: str) -> pa.Table:
    """Return the events of a set, with all their columns."""
    if name != "shop":
        return pq.read_table(DATA / name / "interactions.parquet")
    import zoo

    return zoo.load("synthetic-shop").read().interactions


def prepare(name: str, folder: Path, fold: int, users: int = 20_000) -> tuple[Path, dict[str, float]]:
    """Write the events of a set with their part, and return the file and the sizes of its training part."""
    about, table = SETS[name], read(name)
    user = codes(table[about.user])
    item = codes(table["item_id"])
    time = table[about.time].to_numpy().astype(np.int64)
    unit = codes(table[about.unit]) if about.unit else time
    keep = hashes(user) % 2**20 < rate(user, users) * 2**20
    keep &= np.bincount(item)[item] >= about.core
    user, item, time, unit = (values[keep] for values in (user, item, time, unit))
    order = np.lexsort((hashes(item), unit, time, user))
    user, item, time, unit = (values[order] for values in (user, item, time, unit))
    new_user = np.r_[True, user[1:] != user[:-1]]
    new_unit = new_user | np.r_[True, unit[1:] != unit[:-1]]
    number = np.cumsum(new_unit) - 1  # of the unit, over all users
    _, row = np.unique(user, return_inverse=True)
    last = np.zeros(row.max() + 1, np.int64)
    np.maximum.at(last, row, number)
    units = last - np.r_[-1, last[:-1]]
    back = last[row] - number  # 0 for a user's last unit
    is_long = units[row] > 2
    part = np.full(len(user), "train", object)
    half = (hashes(user + 7) % 2 == fold) & is_long & (back == 1)
    part[is_long & (back == 1)] = "test"
    part[half] = "validate"
    kept = ~(is_long & (back == 0))
    moment = np.cumsum(new_user | np.r_[True, time[1:] != time[:-1]])
    position = moment - moment[np.flatnonzero(new_user)][row]
    columns = {"user_id": user, "item_id": item, "position": position}
    out = pa.table({**{key: values[kept] for key, values in columns.items()}, "split": pa.array(part[kept])})
    path = folder / f"{name}-{fold}.parquet"
    pq.write_table(out, path)
    trained = kept & (part == "train")
    lengths = np.bincount(row[trained])
    n_items = len(np.unique(item[trained]))
    sizes = {
        "users": int(np.count_nonzero(lengths)),
        "sequences": int(np.count_nonzero(lengths >= 2)),
        "items": n_items,
        "events": int(trained.sum()),
    }
    return path, sizes


def codes(column: pa.ChunkedArray) -> np.ndarray:
    """Return the values of a column as numbers from 0."""
    values = pc.cast(column, pa.string()).combine_chunks().dictionary_encode()
    return values.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def rate(user: np.ndarray, most: int) -> float:
    """Return the share of users to keep."""
    return min(1.0, most / (user.max() + 1))


def hashes(values: np.ndarray) -> np.ndarray:
    """Return a number for each value that does not depend on its order."""
    distinct, back = np.unique(values, return_inverse=True)
    found = [int.from_bytes(blake2b(str(value).encode(), digest_size=7).digest()) for value in distinct]
    return np.array(found, np.int64)[back]
