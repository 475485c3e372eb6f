"""Check 4: rows that occur twice while seen items may be recommended."""

import numpy as np
import pytest

DAY = 86_400_000
LAST_OUT = {"policy": "leave-last-out", "validation": False}
SEEN = {"exclude_seen": False}


def log(seed=0, users=100, length=8):
    """Return events of different items, one a day for each user."""
    rng = np.random.default_rng(seed)
    items = np.concatenate([rng.permutation(40)[:length] for _ in range(users)])
    return {
        "user_id": np.repeat(np.arange(users), length),
        "item_id": items,
        "timestamp": np.tile(np.arange(length), users) * DAY + 19_000 * DAY,
    }


def double_last(events, share=1.0, apart=0):
    """Return the events with the last row of some users written twice."""
    last = np.flatnonzero(np.diff(events["user_id"], append=-1))
    last = last[: round(share * len(last))]
    order = np.sort(np.concatenate([np.arange(len(events["user_id"])), last]), kind="stable")
    doubled = {name: np.asarray(values)[order] for name, values in events.items()}
    if "timestamp" in doubled:
        copies = np.zeros(len(order), bool)
        copies[1:] = order[1:] == order[:-1]
        doubled["timestamp"] = doubled["timestamp"] + apart * copies
    return doubled


def without_clock(events):
    return {name: events[name] for name in ("user_id", "item_id")}


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_doubled_last_rows_are_counted_without_a_clock(found, share):
    events = double_last(without_clock(log()), share)
    finding = found(events, data={"time": "file-order"}, split=LAST_OUT, evaluate=SEEN)["repeats"]
    assert finding.number == 4
    assert finding.found.startswith(f"{round(100 * share)} of 100 ({100 * share:.1f} %) target events are copies")
    mended = {"data": {"time": "file-order", "duplicates": "drop-exact"}, "evaluate": SEEN}
    assert found(events, split=LAST_OUT, **mended) == {}
    if share < 1:  # else no target remains
        assert found(events, split=LAST_OUT, data={"time": "file-order"}) == {}


@pytest.mark.parametrize(("data", "apart"), [({"ties": "file"}, 0), ({}, 900)])
def test_doubled_last_rows_are_counted_with_timestamps(found, data, apart):
    finding = found(double_last(log(), apart=apart), data=data, split=LAST_OUT, evaluate=SEEN)["repeats"]
    assert finding.found.startswith("100 of 100 (100.0 %) target events are copies")
    assert "less than a second apart" in finding.found
    if not apart:
        dropped = found(double_last(log()), data={**data, "duplicates": "drop-exact"}, split=LAST_OUT, evaluate=SEEN)
        assert dropped == {}


def test_copies_of_one_moment_are_in_no_history_if_ties_stay_together(found):
    assert found(double_last(log()), split=LAST_OUT, evaluate=SEEN) == {}


def test_positions_of_copies_differ_so_that_one_of_them_is_kept_by_the_remedy(found):
    events = without_clock(double_last(log()))
    events["position"] = np.arange(len(events["user_id"]))
    finding = found(events, split=LAST_OUT, evaluate=SEEN)["repeats"]
    assert finding.remedy == '[data] duplicates = "last", or [evaluate] exclude_seen = true'
    assert found(events, data={"duplicates": "last"}, split=LAST_OUT, evaluate=SEEN) == {}


def test_a_copy_of_a_seen_event_type_is_no_target(found):
    events = double_last(without_clock(log()), 0.5)
    events["event"] = np.where(events["user_id"] % 2, "buy", "view")
    sections = {"data": {"time": "file-order"}, "split": LAST_OUT}
    for seen, n in ((False, 50), (["view"], 25), (["buy", "view"], 0)):
        finding = found(events, evaluate={"exclude_seen": seen}, **sections).get("repeats")
        assert finding is None if not n else finding.found.startswith(f"{n} of 100 ")


def test_genuine_repeats_are_silent(found):
    """Half of the purchases are what the user bought on the day before, or two days before."""
    events = log(length=20)
    rng = np.random.default_rng(1)
    items = events["item_id"].copy()
    for at in range(2, len(items)):
        if events["user_id"][at - 2] == events["user_id"][at] and rng.random() < 0.5:
            items[at] = items[at - rng.integers(1, 3)]
    events["item_id"] = items
    assert found(events, split=LAST_OUT, evaluate=SEEN) == {}
    assert found(without_clock(events), data={"time": "file-order"}, split=LAST_OUT, evaluate=SEEN) == {}


def test_other_event_types_of_an_item_are_no_copies(found):
    """A view, a cart and a purchase of one item follow each other."""
    events = {name: np.repeat(values, 3) for name, values in without_clock(log()).items()}
    events["event"] = np.tile(["cart", "purchase", "view"], 800)
    assert found(events, data={"time": "file-order"}, split=LAST_OUT, evaluate=SEEN) == {}
