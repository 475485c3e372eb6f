"""Check 1: moments that a split divides, counted by a loop."""

import numpy as np
import pytest

LAST_OUT = {"policy": "leave-last-out", "validation": False}


def log_with_ties(seed=0, users=100):
    """Return events whose times repeat, and how many users' last moments hold several events."""
    rng = np.random.default_rng(seed)
    rows = [(u, i, int(t)) for u in range(users) for i, t in enumerate(rng.integers(0, 30, 12) * 1000)]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    times = {u: [t for v, _, t in rows if v == u] for u in range(users)}
    n = sum(found.count(max(found)) > 1 for found in times.values())
    return {"user_id": [r[0] for r in rows], "item_id": [r[1] for r in rows], "timestamp": [r[2] for r in rows]}, n


def test_the_users_whose_last_moment_holds_several_events_are_counted(found):
    events, n = log_with_ties()
    assert 10 < n < 60
    finding = found(events, data={"ties": "file"}, split=LAST_OUT)["ties"]
    assert finding.number == 1
    assert finding.found.startswith(f"The split divides moments: {n} of 100 ({n}.0 %) users with test events")
    assert finding.remedy == '[data] ties = "together"'


def test_the_remedy_is_silent(found):
    assert found(log_with_ties()[0], split=LAST_OUT) == {}


def test_a_log_without_ties_is_silent_although_the_order_of_the_file_counts(found):
    events, _ = log_with_ties()
    events["timestamp"] = list(range(len(events["user_id"])))
    assert found(events, data={"ties": "file"}, split=LAST_OUT) == {}


def test_a_cut_in_time_divides_no_moment(found):
    events, _ = log_with_ties()
    assert found(events, data={"ties": "file"}, split={"policy": "temporal"}) == {}


def test_a_first_target_that_the_file_chooses_is_counted(found):
    events, _ = log_with_ties()
    cut = sorted(events["timestamp"])[int(0.5 * len(events["timestamp"]))]
    n = users = 0
    for user in range(100):
        late = [t for v, t in zip(events["user_id"], events["timestamp"], strict=True) if v == user and t >= cut]
        users += bool(late)
        n += late.count(min(late, default=0)) > 1
    split = {"policy": "temporal", "cuts": [0.5], "targets": "first"}
    finding = found(events, data={"ties": "file"}, evaluate={"exclude_seen": False}, split=split)["ties"]
    assert f" {n} of {users} (" in finding.found


def test_a_column_that_divides_moments_is_found(found):
    events, _ = log_with_ties()
    events["split"] = ["test" if i % 4 == 0 else "train" for i in range(len(events["user_id"]))]
    finding = found(events, split={"policy": "given"})["ties"]
    assert "give all events of a moment the same value in the column 'split'" in finding.remedy


@pytest.mark.parametrize("policy", ["strong-generalisation", "given"])
def test_a_split_that_reads_no_order_is_silent(found, policy):
    events, _ = log_with_ties()
    events["split"] = ["test" if user % 4 == 0 else "train" for user in events["user_id"]]
    assert found(events, data={"ties": "file"}, split={"policy": policy}) == {}


def test_two_baskets_of_a_user_at_one_time_do_not_end_the_checks(found):
    events = {"user_id": [], "item_id": [], "timestamp": [], "order": []}
    for user in range(40):
        for visit in range(4):
            day = min(visit, 2)  # the last two orders are of one day
            for slot in range(3):
                row = (user, f"i{(user + visit + slot) % 20}", day * 86_400_000, f"o{user}-{visit}")
                for name, value in zip(events, row, strict=True):
                    events[name].append(value)
    split = {"policy": "leave-last-out", "unit": "basket"}
    assert "ties" not in found(events, data={"columns": {"basket_id": "order"}}, split=split)
