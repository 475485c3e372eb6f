"""The built-in shop with planted defects, as an export of a shop may have them."""

import numpy as np
import pyarrow as pa

import zoo

DAY, HOUR = 86_400_000, 3_600_000
SHARES = {"copies": 0.03, "double clicks": 0.05, "returns": 0.05, "lost times": 0.01}
"""Of the events; `returns` of the purchases."""
BOT_EVENTS = 1_000
"""Events of each bot, of items drawn evenly, at nearly regular intervals."""
CUSTOMERS_PER_BOT = 150


def dirty_shop(customers: int = 3_000, items: int = 600, events: int = 90_000, seed: int = 0) -> tuple[pa.Table, int]:
    """Return the events of the built-in shop with planted rows, and the number of planted rows.

    Planted are exact copies, copies 0.4 seconds later, rows with a negative quantity some days after a purchase, rows with the time
    zero, and bots. The rows of the shop itself are unchanged and come first.
    """
    shop = zoo.load("synthetic-shop", customers=customers, items=items, events=events, seed=seed).read().interactions
    rng = np.random.default_rng([seed, 19])
    columns = {name: plain(shop[name]) for name in shop.column_names}
    bought = np.flatnonzero(columns["event"] == "purchase")
    planted = [
        rows(columns, draw(rng, len(shop), "copies")),
        rows(columns, draw(rng, len(shop), "double clicks"), timestamp=lambda old: old["timestamp"] + 400),
        rows(
            columns,
            bought[draw(rng, len(bought), "returns")],
            timestamp=lambda old: old["timestamp"] + rng.integers(DAY, 10 * DAY, len(old["timestamp"])),
            quantity=lambda old: -old["quantity"],
        ),
        rows(columns, draw(rng, len(shop), "lost times"), timestamp=lambda old: np.zeros_like(old["timestamp"])),
        bots(columns, rng, max(customers // CUSTOMERS_PER_BOT, 1)),
    ]
    both = {name: np.concatenate([column, *(part[name] for part in planted)]) for name, column in columns.items()}
    return pa.table(both), sum(len(part["user_id"]) for part in planted)


def draw(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    """Return rows drawn without replacement."""
    return rng.choice(n, round(SHARES[kind] * n), replace=False)


def rows(columns, chosen, **changes):
    """Return rows of the shop with changed columns."""
    old = {name: column[chosen] for name, column in columns.items()}
    return old | {name: change(old) for name, change in changes.items()}


def bots(columns, rng, n):
    """Return the views of bots that go through the catalogue day and night, over two months of the log each."""
    size = n * BOT_EVENTS
    first = rng.integers(columns["timestamp"].min(), columns["timestamp"].max() - 60 * DAY, n)
    gap = 60 * DAY // BOT_EVENTS
    time = first[:, None] + np.arange(BOT_EVENTS) * gap + rng.integers(0, gap // 20, (n, BOT_EVENTS))
    old = rows(columns, rng.integers(0, len(columns["user_id"]), size))
    return old | {
        "user_id": np.repeat(np.array([f"bot{at}" for at in range(n)], object), BOT_EVENTS),
        "item_id": rng.choice(np.unique(columns["item_id"]), size),
        "timestamp": time.ravel(),
        "event": np.full(size, "view", object),
        "quantity": np.zeros(size, np.int64),
        "session_id": columns["session_id"].max() + 1 + np.repeat(np.arange(n), BOT_EVENTS),
    }


def plain(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column as an array of numbers or texts."""
    values = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        return np.array(values.dictionary_decode().to_pylist(), object)
    return values.to_numpy(zero_copy_only=False)
