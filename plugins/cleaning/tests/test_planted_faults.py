"""Each cleaner finds what was planted into the built-in shop, and little else."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from zoo.api import DataError

DAY, HOUR = 86_400_000, 3_600_000


def some(shop, n, seed=0, *, purchases=False):
    """Return rows of the shop, drawn without replacement."""
    rows = np.flatnonzero(shop["quantity"] > 0) if purchases else np.arange(len(shop["user"]))
    chosen = np.random.default_rng(seed).choice(rows, n, replace=False)
    return {name: column[chosen] for name, column in shop.items()}


@pytest.mark.parametrize("n", [20, 200, 2000])
@pytest.mark.parametrize("later", [0, 500])
def test_duplicates(shop, planted, clean, quality, n, later):
    rows = some(shop, n)
    data = planted(shop, **{**rows, "time": rows["time"] + later})
    recall, precision = quality(clean("duplicates", data), data)
    assert recall >= 0.9
    assert precision >= 0.9


def test_without_seconds_only_exact_copies_count(shop, planted, clean):
    rows = some(shop, 100)
    data = planted(shop, **{**rows, "time": rows["time"] + 500})
    assert [flag.reason for flag in clean("duplicates", data, seconds=0).flags] == ["same user, item, time and event"]


@pytest.mark.parametrize("n", [20, 100, 400])
def test_returns(shop, planted, clean, quality, n):
    rows = some(shop, n, purchases=True)
    data = planted(shop, **{**rows, "time": rows["time"] + DAY, "quantity": -rows["quantity"]})
    found = clean("returns", data)
    negative, cancelled = (flag.events for flag in found.flags)
    assert quality(replace(found, flags=found.flags[:1]), data) == (1.0, 1.0)
    assert np.count_nonzero(negative) == n
    assert 0.98 * n <= np.count_nonzero(cancelled) <= n
    assert not (negative & cancelled).any()


def test_a_return_after_the_cut_keeps_the_purchase_before_it(planted, clean):
    two = {name: np.array(v) for name, v in {"user": [0, 0], "item": [1, 2], "time": [0, 10], "event": [1, 1], "quantity": [1, 1]}.items()}  # fmt: skip
    data = planted(
        two, user=np.array([0, 0]), item=np.array([1, 2]), time=np.array([5, 12]), quantity=np.array([-1, -1])
    )
    reasons = [clean("returns", replace(data, cut=cut)).flags[1].events.tolist() for cut in (None, 11, 3, 13)]
    assert data.log.times.tolist() == [0, 5, 10, 12]
    assert reasons == [
        [True, False, True, False],
        [True, False, False, False],
        [False, False, True, False],
        [True, False, True, False],
    ]


def test_returns_without_a_quantity_say_what_to_do(planted, clean, shop):
    data = planted(shop, **some(shop, 1))
    bare = replace(data, log=replace(data.log, source=pa.table({"x": pa.nulls(len(data.log))})))
    with pytest.raises(DataError, match=r"reads the column `quantity`.* data\.columns = \{ quantity"):
        clean("returns", bare)
    words = replace(data, log=replace(data.log, source=pa.table({"quantity": ["one"] * len(data.log)})))
    with pytest.raises(DataError, match="the column `quantity` is string, expected numbers"):
        clean("returns", words)


def bot(shop, kind, users):
    """Return the events of bots of one kind, with user numbers after those of the shop."""
    rng, first, start = np.random.default_rng(3), int(shop["user"].max()) + 1, int(shop["time"].min()) // DAY * DAY
    n_items = int(shop["item"].max())
    n = {"fast": 600, "regular": 120, "wide": n_items, "awake": 96}[kind]
    step = np.arange(n)
    times = {
        "fast": lambda: np.sort(rng.integers(0, HOUR, n)),
        "regular": lambda: step * 7 * HOUR + rng.integers(0, 60_000, n),
        "wide": lambda: np.sort(rng.integers(0, 60 * DAY, n)),
        "awake": lambda: step // 4 * HOUR + np.sort(rng.integers(0, HOUR, (n // 4, 4))).ravel(),
    }
    item = (lambda: rng.permutation(n_items) + 1) if kind == "wide" else (lambda: rng.integers(1, 20, n))
    return {
        "user": np.repeat(first + np.arange(users), n),
        "item": np.concatenate([item() for _ in range(users)]),
        "time": start + np.concatenate([times[kind]() for _ in range(users)]),
    }


@pytest.mark.parametrize("users", [1, 5, 20])
@pytest.mark.parametrize("kind", ["fast", "regular", "wide", "awake"])
def test_bots(shop, planted, clean, quality, kind, users):
    data = planted(shop, **bot(shop, kind, users))
    recall, precision = quality(clean("bots", data), data)
    assert recall >= 0.9
    assert precision >= 0.9


def test_a_bot_after_the_cut_only_is_not_judged(shop, planted, clean):
    data = planted(shop, **bot(shop, "fast", 2))
    found = clean("bots", replace(data, cut=int(data.log.times.min())))
    assert not any(flag.events.any() for flag in found.flags)


@pytest.mark.parametrize("n", [1, 10, 100])
@pytest.mark.parametrize("fault", ["zero", "future", "past"])
def test_time_defects(shop, planted, clean, quality, n, fault):
    rows = some(shop, n)
    times = {"zero": np.zeros(n, np.int64), "future": rows["time"] + 5000 * DAY, "past": rows["time"] - 5000 * DAY}
    data = planted(shop, **{**rows, "time": times[fault]})
    for cut in (None, int(np.quantile(shop["time"], 0.9))):
        assert quality(clean("time-defects", replace(data, cut=cut)), data) == (1.0, 1.0)


def test_days_at_midnight_are_counted_and_kept(shop, planted, clean):
    data = planted({**shop, "time": shop["time"] // DAY * DAY}, **some(shop, 1))
    found = clean("time-defects", data)
    assert not any(flag.events.any() for flag in found.flags)
    assert found.remarks["days with all events at midnight"] > 10


@pytest.mark.parametrize("name", ["duplicates", "returns", "bots", "time-defects"])
def test_the_shop_itself_is_clean(shop, planted, clean, name):
    data = planted(shop, **{key: column[:0] for key, column in shop.items()})
    flagged = sum(int(flag.events.sum()) for flag in clean(name, data).flags)
    assert flagged <= 0.001 * len(data.log)
