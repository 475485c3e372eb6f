"""Every policy and every rule for targets against a reference that walks over lists of events."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.config.experiment import EvaluateSettings
from zoo.config.split_settings import Given, LeaveLastOut, StrongGeneralisation, Temporal
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.parts import NO_PART, PARTS
from zoo.data.split import cold_items
from zoo.data.split import split as split_units
from zoo.data.task import Task
from zoo.data.units import find_units
from zoo.errors import DataError, SplitError

N_ITEMS = 6
EVENTS = ("purchase", "view")


def split(log, settings, cold=None):
    """Split a log into parts."""
    return split_units(find_units(log, settings.unit), settings, cold)


def log_of(events, ties="file", **kwargs):
    """Return a log of (user, item, time, type, part) tuples; the reference here reads the events in the order of the log."""
    columns = [np.array(c) for c in zip(*events, strict=True)]
    users, items, times, types, parts = columns
    return Interactions.from_arrays(
        users.astype(np.int64), items.astype(np.int64), times.astype(np.int64),
        n_items=N_ITEMS, events=types.astype(np.int64), event_names=EVENTS, source=pa.table({"split": parts}), ties=ties, **kwargs,
    )  # fmt: skip


events_of = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(1, N_ITEMS), st.integers(0, 12), st.integers(0, 1), st.sampled_from(["train", "test", "valid"])
    ),
    min_size=4,
    max_size=60,
)  # fmt: skip
rules_of = st.builds(
    EvaluateSettings,
    exclude_seen=st.sampled_from([True, False, ["purchase"]]),
    target_events=st.sampled_from([None, ["purchase"]]),
    new_users=st.booleans(),
)


def rows_of(log):
    """Return each user's events as a list of (item, time, type name, part, place in the log)."""
    part = log.column("split").to_pylist()
    return [
        [(int(log.items[i]), int(log.times[i]), EVENTS[log.events[i]], part[i], i) for i in range(a, b)]
        for a, b in zip(log.offsets[:-1], log.offsets[1:], strict=True)
    ]


def expected_parts(log, policy):
    """Return the part of each event by the policy's words, in the log's order."""
    if isinstance(policy, Temporal):
        names = {1: ["test"], 2: ["validate", "test"], 3: ["validate", "rank", "test"]}[len(policy.cuts)]
        by_time = sorted(log.times.tolist())
        moments = [by_time[int(cut * len(by_time))] for cut in policy.cuts]
        return [(["train", *names])[sum(t >= m for m in moments)] for t in log.times.tolist()]
    if isinstance(policy, LeaveLastOut):
        held = ["validate", "test"] if policy.validation else ["test"]
        return [
            part
            for row in rows_of(log)
            for part in (["train"] * (len(row) - len(held)) + held if len(row) > len(held) else ["train"] * len(row))
        ]
    return [{"valid": "validate"}.get(event[3], event[3]) for row in rows_of(log) for event in row]


def expected_queries(log, policy, part, rules):
    """Return {(user, number of known events, time or None): (history, targets)} by walking over the events."""
    parts = expected_parts(log, policy)
    mode = "first" if isinstance(policy, LeaveLastOut) else policy.targets
    seen_types = {True: EVENTS, False: ()}.get(rules.exclude_seen if isinstance(rules.exclude_seen, bool) else None)
    seen_types = rules.exclude_seen if seen_types is None else seen_types
    found = []
    for user, row in enumerate(rows_of(log)):
        known = [e for e in row if PARTS.index(parts[e[4]]) < PARTS.index(part)]
        asked = [e for e in row if parts[e[4]] == part]
        one_by_one = [(known + asked[:i], [e]) for i, e in enumerate(asked)]
        for history, wanted in one_by_one if mode == "each" else [(known, asked)]:
            seen = {e[0] for e in history if e[2] in seen_types}
            targets = [
                e for e in wanted if e[0] not in seen and (rules.target_events is None or e[2] in rules.target_events)
            ]
            if mode == "first":
                targets = targets[:1]
            if targets and (history or rules.new_users):
                found.append((user, [e[0] for e in history], {e[0] for e in targets}, targets[0][1]))
    return found


def asked(task, part):
    """Return the queries of a task as (user, history, targets, now)."""
    q = task.queries(part)
    h = q.histories
    return [
        (
            int(q.row[i]),
            h.items[h.offsets[i] : h.offsets[i + 1]].tolist(),
            set(q.targets[i : i + 1].items.tolist()),
            int(q.now[i]),
        )
        for i in range(len(q))
    ]


def expected_held_out(policy, parts):
    """Return the parts that a policy asks something in."""
    if isinstance(policy, Temporal):
        return {1: ["test"], 2: ["validate", "test"], 3: ["validate", "rank", "test"]}[len(policy.cuts)]
    if isinstance(policy, LeaveLastOut):
        return ["validate", "test"] if policy.validation else ["test"]
    return ["validate", "test"] if "validate" in parts else ["test"]


def check(log, policy, rules):
    """Compare a task with the reference; a split that leaves a part empty is refused, and only then."""
    parts = expected_parts(log, policy)
    held_out = expected_held_out(policy, parts)
    wanted = {part: expected_queries(log, policy, part, rules) for part in held_out}
    if "train" not in parts:
        with pytest.raises(SplitError, match="leaves no training events"):
            Task.of(log, policy, rules)
        return
    if not all(wanted.values()):
        with pytest.raises(SplitError, match=r"leaves no (test|validate|rank) queries"):
            Task.of(log, policy, rules)
        return
    task = Task.of(log, policy, rules)
    assert task.parts.held_out == tuple(held_out)
    for part in held_out:
        found = asked(task, part)
        assert [q[:3] for q in found] == [q[:3] for q in wanted[part]]
        if getattr(policy, "targets", "first") != "all":
            assert [q[3] for q in found] == [q[3] for q in wanted[part]]
        train = [e[0] for row in rows_of(log) for e in row if PARTS.index(parts[e[4]]) < PARTS.index(part)]
        assert task.training(part).items.tolist() == train
        targets = task.queries(part).targets
        assert targets.cold.tolist() == [item not in train for item in targets.items.tolist()]


@given(
    events_of,
    st.sampled_from([[0.5], [0.4, 0.7], [0.3, 0.5, 0.8]]),
    st.sampled_from(["all", "first", "each"]),
    rules_of,
)
@settings(max_examples=150)
def test_temporal_agrees_with_the_reference(events, cuts, targets, rules):
    check(log_of(events), Temporal(cuts=cuts, targets=targets), rules)


@given(events_of, st.booleans(), rules_of)
@settings(max_examples=100)
def test_leave_last_out_agrees_with_the_reference(events, validation, rules):
    check(log_of(events), LeaveLastOut(validation=validation), rules)


@given(events_of, st.sampled_from(["all", "first"]), rules_of)
@settings(max_examples=100)
def test_given_agrees_with_the_reference(events, targets, rules):
    check(log_of(events), Given(targets=targets), rules)


def test_now_is_the_cut_for_all_of_a_window():
    log = log_of([(0, 1, 10, 0, "-"), (0, 2, 20, 0, "-"), (0, 3, 30, 0, "-"), (1, 1, 5, 0, "-"), (1, 2, 31, 0, "-")])
    task = Task.of(log, Temporal(cuts=[0.6]))
    assert task.parts.starts == {"test": 30}
    assert task.queries("test").now.tolist() == [30, 30]


def test_cuts_may_be_dates_in_utc():
    day = 86_400_000
    start = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1000)
    log = log_of([(0, i + 1, start + i * day, 0, "-") for i in range(5)])
    task = Task.of(log, Temporal(cuts=["2024-05-03", "2024-05-05"]))
    assert task.parts.codes.tolist() == [0, 0, 3, 3, 7]


def test_events_at_a_cut_belong_to_the_part_that_begins_there():
    log = log_of([(0, 1, 1, 0, "-"), (0, 2, 5, 0, "-"), (0, 3, 5, 0, "-"), (1, 1, 5, 0, "-")])
    assert split(log, Temporal(cuts=[0.5])).codes.tolist() == [0, 7, 7, 7]


def test_ties_keep_the_order_of_the_file():
    events = [(user, item, 7, 0, "-") for item in (4, 2, 6, 1) for user in (0, 1)]
    task = Task.of(log_of(events), LeaveLastOut(validation=False))
    assert asked(task, "test") == [(0, [4, 2, 6], {1}, 7), (1, [4, 2, 6], {1}, 7)]


def test_the_validation_event_is_history_when_the_test_asks_and_no_training_data_without_refit():
    log = log_of([(0, item, item, 0, "-") for item in (1, 2, 3, 4)])
    task = Task.of(log, LeaveLastOut(), refit=False)
    assert asked(task, "test") == [(0, [1, 2, 3], {4}, 4)]
    assert task.training("validate").items.tolist() == [1, 2]
    assert task.training("test").items.tolist() == [1, 2, 3]
    assert task.queries("test").targets.cold.tolist() == [True]


def shop(n_users, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12, n_users)
    return [(u, int(rng.integers(1, N_ITEMS + 1)), t, 0, "-") for u, n in enumerate(lengths) for t in range(n)]


@given(st.integers(0, 50), st.floats(0.1, 0.9))
@settings(max_examples=40)
def test_strong_generalisation_holds_out_users_and_a_share_of_their_events(seed, history):
    policy = StrongGeneralisation(
        policy="strong-generalisation", validate_users=0.2, test_users=0.3, history=history, seed=seed
    )
    log = log_of(shop(40, seed))
    parts = split(log, policy)
    of_user = np.array([np.unique(c // 2).item() for c in np.split(parts.codes, log.offsets[1:-1])])
    assert np.bincount(of_user, minlength=4).tolist() == [20, 8, 0, 12]
    rules = EvaluateSettings(exclude_seen=False)
    try:
        task = Task.of(log, policy, rules)
    except SplitError:
        return
    for part in ("validate", "test"):
        q = task.queries(part)
        assert set(of_user[q.row]) == {PARTS.index(part)}
        for user, items, targets, now in asked(task, part):
            row = log.items[log.offsets[user] : log.offsets[user + 1]].tolist()
            assert len(items) == np.ceil(round(history * len(row), 6))
            assert _is_subsequence(items, row)
            left = list(row)
            for item in items:
                left.remove(item)
            assert targets == set(left)
            assert now > len(items) - 1
    assert set(np.flatnonzero(task.training("validate").lengths)) == set(np.flatnonzero(of_user == 0))
    assert set(np.flatnonzero(task.training("test").lengths)) == set(np.flatnonzero(of_user < 3))


def _is_subsequence(short, long):
    rest = iter(long)
    return all(item in rest for item in short)


def test_strong_generalisation_is_drawn_by_its_seed():
    log = log_of(shop(40, 0))
    first, again, other = (split(log, StrongGeneralisation(seed=seed)).codes for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_ineligible_targets_are_dropped_and_counted():
    log = log_of([(0, 1, 1, 0, "-"), (0, 2, 2, 0, "-"), (0, 3, 3, 0, "-"), (1, 1, 1, 0, "-"), (1, 4, 3, 0, "-")])
    table = pa.table({"kind": [None, "toy", "toy", "book", "toy", None, "fee"]})
    catalogue = Catalogue(pa.array([None, *"abcdef"]), table)
    task = Task.of(log, Temporal(cuts=[0.5]), EvaluateSettings(eligible={"kind": ["toy", "fee"]}), catalogue)
    assert task.eligible.tolist() == [False, True, True, False, True, False, True]
    assert asked(task, "test") == [(0, [1], {2}, 2), (1, [1], {4}, 2)]
    assert task.notes["test: events that are no target: item not eligible"] == 1


def test_an_unknown_event_name_is_refused_with_a_suggestion():
    log = log_of([(0, i, i, 0, "-") for i in range(1, 5)])
    for key in ("exclude_seen", "target_events"):
        with pytest.raises(DataError) as error:
            Task.of(log, Temporal(), EvaluateSettings(**{key: ["purchace"]}))
        assert (
            str(error.value)
            == f"evaluate.{key}: no event 'purchace' in the data. Did you mean 'purchase'? Its events: purchase, view."
        )


def test_temporal_needs_a_clock():
    log = log_of([(0, i, i, 0, "-") for i in range(1, 5)], clock="position")
    with pytest.raises(SplitError) as error:
        split(log, Temporal())
    assert str(error.value) == (
        "split.policy 'temporal' needs timestamps, and the events are ordered by position only. "
        'Use a log with timestamps, or split.policy = "leave-last-out", with split.unit = "basket" or "session" if several rows '
        "belong to one order or visit."
    )


def test_a_split_without_a_test_query_is_refused_with_counts():
    log = log_of([(0, 1, 1, 0, "-"), (0, 2, 2, 0, "-"), (0, 1, 3, 1, "-")])
    with pytest.raises(SplitError) as error:
        Task.of(log, Temporal(cuts=[0.9]))
    assert str(error.value) == (
        "the split leaves no test queries (policy 'temporal'; events: train 2, test 1; users with events: 1, "
        "events that are no target: item seen before: 1, users left out: no target: 1; the events run from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z). "
        "Hold out more, or relax the rules of [evaluate]."
    )
    with pytest.raises(
        SplitError, match=r"leaves no validate queries \(policy 'temporal'; events: train 1, validate 1"
    ):
        Task.of(log, Temporal(cuts=[0.4, 0.8]), EvaluateSettings(target_events=["view"]))


def test_a_split_without_training_events_is_refused():
    log = log_of([(0, i, 5, 0, "-") for i in range(1, 5)])
    with pytest.raises(SplitError) as error:
        split(log, Temporal(cuts=[0.5]))
    assert str(error.value) == (
        "split.policy 'temporal' leaves no training events (train 0, test 4 events; "
        "the events run from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z): hold out less, or use more data."
    )


@pytest.mark.parametrize("cut", [datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)])
def test_a_cut_outside_the_data_tells_when_the_events_run(cut):
    log = log_of([(0, i, 1_717_158_615_250 + i * 60_000, 0, "-") for i in range(1, 5)])
    with pytest.raises(SplitError, match=r"; the events run from 2024-05-31T12:31:15Z to 2024-05-31T12:34:15Z\)"):
        Task.of(log, Temporal(cuts=[cut]))


def test_a_part_that_the_split_lacks_is_refused():
    task = Task.of(log_of([(0, i, i, 0, "-") for i in range(1, 5)]), Temporal(cuts=[0.5]))
    with pytest.raises(SplitError) as error:
        task.queries("rank")
    assert str(error.value) == "no 'rank' queries: split.policy 'temporal' has the parts train, test. Change the split."


def test_given_values_of_no_part_are_refused():
    log = log_of([(0, 1, 1, 0, "train"), (0, 2, 2, 0, "tset"), (0, 3, 3, 0, "test")])
    with pytest.raises(SplitError) as error:
        split(log, Given())
    assert str(error.value) == (
        "split.column 'split' has the value 'tset' (1 events), which belongs to no part. Did you mean 'test'? Values of the parts: "
        "{'train': ['train'], 'validate': ['valid', 'validate', 'validation'], 'rank': ['rank'], 'test': ['test']}. Add it to one of them."
    )
    with pytest.raises(DataError) as error:
        split(log, Given(column="splitt"))
    assert str(error.value) == "the event log has no column 'splitt'. Did you mean 'split'? Its columns: split."


def test_each_needs_parts_in_the_order_of_time():
    log = log_of([(0, 1, 1, 0, "test"), (0, 2, 2, 0, "train"), (0, 3, 3, 0, "test")])
    with pytest.raises(SplitError, match=r'Use split\.targets = "all"'):
        Task.of(log, Given(targets="each"))


def ids_of(n):
    return pa.array([None, *(f"item {i}" for i in range(1, n + 1))])


def test_about_the_share_of_the_items_is_held_out_and_no_other_item_has_a_say():
    drawn = cold_items(ids_of(20_000), Temporal(cold_items=0.1))
    assert not drawn[0]
    assert 1800 < drawn.sum() < 2200
    fewer, order = ids_of(5_000), np.random.default_rng(0).permutation(np.arange(1, 5001))
    assert (cold_items(fewer, Temporal(cold_items=0.1)) == drawn[:5001]).all()
    shuffled = fewer.take(pa.array(np.concatenate([[0], order])))
    assert (cold_items(shuffled, LeaveLastOut(cold_items=0.1))[1:] == drawn[order]).all()
    assert not (
        drawn & ~cold_items(ids_of(20_000), Temporal(cold_items=0.2))
    ).any()  # a larger share holds out these too
    other = cold_items(ids_of(20_000), Temporal(cold_items=0.1, seed=1))
    assert 150 < (drawn & other).sum() < 250
    assert cold_items(fewer, Temporal()) is None


@pytest.mark.parametrize(
    "policy",
    [
        Temporal(cuts=[0.4, 0.6, 0.8]),
        Temporal(cuts=[0.5], targets="each"),
        LeaveLastOut(),
        StrongGeneralisation(validate_users=0.2, test_users=0.4, history=0.5),
        Given(),
    ],
    ids=lambda policy: f"{policy.policy}-{getattr(policy, 'targets', '')}",
)
def test_what_happened_with_held_out_items_before_the_test_is_left_out_and_nothing_else(policy):
    rng = np.random.default_rng(0)
    events = sorted((int(u), int(i), int(t), 0, "train" if t < 50 else "valid" if t < 75 else "test")
                    for u, i, t in zip(rng.integers(0, 30, 400), rng.integers(1, 7, 400), rng.integers(0, 100, 400), strict=True))  # fmt: skip
    log, rules = log_of(events), EvaluateSettings(exclude_seen=False)
    whole = Task.of(log, policy, rules)
    task = Task.of(log, policy.model_copy(update={"cold_items": 0.4}), rules)
    cold = cold_items(task.catalogue.ids, task.split)
    n_cold = cold.sum()
    assert 0 < n_cold < N_ITEMS
    of_cold = cold[log.items]
    left_out = of_cold & ~whole.parts.is_target("test")
    assert (task.parts.codes[left_out] == NO_PART).all()
    assert (task.parts.codes[~left_out] == whole.parts.codes[~left_out]).all()
    assert task.log is log  # whoever fits on every event has them all
    assert task.notes["items held out as cold"] == n_cold
    assert task.notes["their events before the test, left out"] == left_out.sum()
    for part in task.parts.held_out:
        assert not cold[task.training(part).items].any()
        kept = whole.training(part)
        assert task.training(part).items.tolist() == kept.items[~cold[kept.items]].tolist()
        targets = task.queries(part).targets
        assert (targets.cold >= cold[targets.items]).all()
        assert cold[targets.items].any() == (part == "test")
    asked_for = {(user, item) for user, _, items, _ in asked(task, "test") for item in items}
    before = {(user, item) for user, _, items, _ in asked(whole, "test") for item in items}
    if getattr(policy, "targets", "first") == "all" or isinstance(policy, StrongGeneralisation):
        assert asked_for == before
    else:
        assert asked_for <= before
        assert {pair for pair in before if cold[pair[1]]} == {pair for pair in asked_for if cold[pair[1]]}
    if getattr(policy, "targets", "") != "each":  # there an item of the test may be history of a later query
        assert not any(cold[items].any() for _, items, _, _ in asked(task, "test"))


def test_a_share_that_holds_out_nothing_is_refused():
    with pytest.raises(SplitError) as error:
        Task.of(log_of([(0, i, i, 0, "-") for i in range(1, 5)]), Temporal(cold_items=0.001))
    assert str(error.value) == (
        "split.cold_items = 0.001 holds out none of 6 items with seed = 0: hold out a larger share, or use another seed."
    )


def test_holding_out_all_that_trains_is_refused_with_counts():
    log = log_of([(0, i, i, 0, "-") for i in range(1, 5)])
    with pytest.raises(SplitError, match=r"leaves no training events \(train 0, test 2 events; the events run from"):
        split(log, Temporal(cuts=[0.5]), np.array([False, True, True, False, False, False, False]))
