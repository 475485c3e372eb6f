"""Checks 2 and 3: which columns group events to baskets and sessions, and for how many users a split divides them."""

import numpy as np
import pytest

from zoo.data.checks.unit_columns import find_unit_columns

HOUR, DAY = 3_600_000, 86_400_000
LAST_OUT = {"policy": "leave-last-out"}


def groceries(seed=0, users=60, clock=None):
    """Return orders of one to four items; rows of an order follow each other."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        day = 19_000 * DAY + int(rng.integers(0, 30)) * DAY
        for order in range(1, int(rng.integers(4, 9))):
            day += int(rng.integers(1, 9)) * DAY
            for place in range(int(rng.integers(1, 5))):
                rows.append(
                    (user, int(rng.integers(0, 50)), day + 60_000 * place, order, 1000 * user + order, len(rows))
                )
    names = ("user_id", "item_id", "timestamp", "order_number", "order_no", "row")
    events = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    if clock is None:
        del events["timestamp"]
    elif clock == "moment":
        start = {}
        events["timestamp"] = [
            start.setdefault(order, time) for order, time in zip(events["order_no"], events["timestamp"], strict=True)
        ]
    return events


def divided(events):
    """Return how many users' last two orders have other rows before the last row, with one row held out for each part."""
    n = 0
    for user in set(events["user_id"]):
        orders = [o for u, o in zip(events["user_id"], events["order_no"], strict=True) if u == user]
        n += orders[-1] in orders[:-1]
    return n, len(set(events["user_id"]))


@pytest.mark.parametrize("column", ["order_no", "order_number", "anything"])
@pytest.mark.parametrize("kind", [int, str])
def test_orders_of_any_name_are_counted_without_a_clock(found, column, kind):
    events = groceries()
    n, users = divided(events)
    columns = {name: events[name] for name in ("user_id", "item_id")}
    columns[column] = [kind(value) for value in events["order_number" if column == "order_number" else "order_no"]]
    finding = found(columns, data={"time": "file-order"}, split=LAST_OUT)["baskets"]
    assert finding.number == 2
    assert f"for {n} of {users} (" in finding.found
    assert finding.found.startswith(f"The column {column!r} groups")
    assert finding.remedy == f'[data] columns = {{ basket_id = "{column}" }}; [split] unit = "basket"'
    mended = {"data": {"time": "file-order", "columns": {"basket_id": column}}, "split": {**LAST_OUT, "unit": "basket"}}
    assert found(columns, **mended) == {}


def test_orders_of_one_moment_are_divided_only_if_the_order_of_the_file_counts(found):
    events = groceries(clock="moment")
    del events["order_number"], events["row"]
    assert found(events, split=LAST_OUT) == {}
    both = found(events, data={"ties": "file"}, split=LAST_OUT)
    assert set(both) == {"ties", "baskets"}
    n, users = divided(events)
    assert f"for {n} of {users} (" in both["baskets"].found


def test_groups_of_several_moments_are_sessions_unless_they_are_named_as_orders(found):
    events = groceries(clock="rows")
    del events["order_number"], events["row"]
    n, users = divided(events)
    assert f"for {n} of {users} (" in found(events, split=LAST_OUT)["baskets"].found
    events["visit"] = events.pop("order_no")
    finding = found(events, split=LAST_OUT)["sessions"]
    assert finding.number == 3
    assert f"for {n} of {users} (" in finding.found
    assert finding.remedy == '[data] columns = { session_id = "visit" }; [split] unit = "session"'
    assert found(events, data={"columns": {"session_id": "visit"}}, split={**LAST_OUT, "unit": "session"}) == {}
    events["session_id"] = events.pop("visit")
    assert found(events, split=LAST_OUT)["sessions"].remedy == '[split] unit = "session"'


def test_a_cut_in_time_divides_few_sessions(found):
    events = groceries(clock="rows")
    assert found(events, evaluate={"exclude_seen": False}) == {}


def test_targets_of_one_session_ask_with_each_other_in_their_history(found):
    events = groceries(clock="rows")
    del events["order_number"], events["row"]
    sections = {"split": {"policy": "temporal", "cuts": [0.5], "targets": "each"}, "evaluate": {"exclude_seen": False}}
    assert "the history has events of the basket that is tested" in found(events, **sections)["baskets"].found


def others(events):
    """Return columns that are neither baskets nor sessions."""
    rng = np.random.default_rng(1)
    users, times = np.array(events["user_id"]), np.array(events["timestamp"])
    return {
        "week": times // (7 * DAY),
        "day": times // DAY,
        "month_of_user": users * 100 + times // (30 * DAY),
        "store_id": users % 5,
        "address": users + 10_000,
        "second_address": 2 * users + (times > np.median(times)),
        "device": 3 * users + rng.integers(0, 3, len(users)),
        "row": np.arange(len(users)),
        "row_text": [f"r{i}" for i in range(len(users))],
        "shelf": np.array(events["item_id"]) % 7,
        "amount": rng.random(len(users)),
        "constant": np.zeros(len(users), int),
        "empty": [None] * len(users),
        "created": times,
        "created_seconds": times // 1000,
        "created_text": [str(np.datetime64(int(t), "ms")) for t in times],
        "quantity": np.ones(len(users), int),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(others(groceries(clock="moment"))))
@pytest.mark.parametrize("clock", ["moment", "rows"])
def test_other_columns_are_neither_baskets_nor_sessions(task_on, name, clock):
    events = groceries(clock=clock)
    column = others(events)[name]
    task = task_on(
        {**{key: events[key] for key in ("user_id", "item_id", "timestamp")}, name: column},
        data={"ties": "file"},
        split=LAST_OUT,
    )
    assert [unit.name for unit in find_unit_columns(task.log, task.split)] == []


def test_users_who_are_single_sessions_are_found_under_leave_last_out(found):
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 30 * DAY, 300)
    events = {
        "sid": np.repeat(np.arange(300), 4),
        "item_id": rng.integers(0, 40, 1200),
        "timestamp": np.repeat(starts, 4) + np.tile(np.arange(4), 300) * 60_000 + 19_000 * DAY,
    }
    as_users = {"data": {"columns": {"user_id": "sid"}}, "evaluate": {"exclude_seen": False}}
    finding = found(events, split=LAST_OUT, **as_users)["sessions"]
    assert "the events of 300 of 300 (100.0 %) users lie within an hour" in finding.found
    remedy = '[data] columns = { session_id = "sid" }, without user_id; [split] policy = "temporal", unit = "session"'
    assert finding.remedy == remedy
    assert found(events, **as_users) == {}
    mended = {"data": {"columns": {"session_id": "sid"}}, "split": {"policy": "temporal", "unit": "session"}}
    assert found(events, **mended, evaluate={"exclude_seen": False}) == {}


def test_users_named_as_sessions_are_found_without_a_clock(found):
    rng = np.random.default_rng(0)
    events = {
        "session": np.repeat(np.arange(300), 4), "item_id": rng.integers(0, 40, 1200), "position": np.tile(np.arange(4), 300),
    }  # fmt: skip
    finding = found(events, data={"columns": {"user_id": "session"}}, split=LAST_OUT)["sessions"]
    assert "user_id is the column 'session'" in finding.found
    assert '[split] policy = "given", unit = "session"' in finding.remedy


def test_users_of_a_shop_are_not_taken_for_sessions(found):
    assert found({k: v for k, v in groceries(clock="moment").items() if k[:5] != "order"}, split=LAST_OUT) == {}
