"""Units in every policy against a reference that walks over lists of events, and independence of the order of rows."""

from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.config.experiment import EvaluateSettings
from zoo.config.split_settings import Given, LeaveLastOut, StrongGeneralisation, Temporal
from zoo.data.interactions import Interactions
from zoo.data.parts import PARTS
from zoo.data.task import Task
from zoo.errors import SplitError

N_ITEMS = 5
USER, ITEM, TIME, TYPE, BASKET, SESSION, PART, PLACE = range(8)


def log_of(events, ties="together", clock="timestamp"):
    """Return a log of (user, item, time, type, basket, session, part) tuples, with places after them."""
    columns = list(zip(*events, strict=True))
    users, items, times, types = (np.array(column, np.int64) for column in columns[:4])
    source = pa.table({"basket_id": columns[BASKET], "session_id": columns[SESSION], "split": columns[PART]})
    return Interactions.from_arrays(
        users, items, times, n_items=N_ITEMS, n_users=4, events=types, event_names=("buy", "view"), source=source, ties=ties, clock=clock,
    )  # fmt: skip


events_of = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(1, N_ITEMS), st.integers(0, 6), st.integers(0, 1), st.sampled_from(["a", "b", "c", None]),
        st.sampled_from(["s", "t", "u", None]), st.sampled_from(["train", "valid", "rank", "test"]),
    ),
    min_size=4,
    max_size=40,
).map(lambda events: [(*event, place) for place, event in enumerate(events)])  # fmt: skip
rules_of = st.builds(
    EvaluateSettings,
    exclude_seen=st.booleans(),
    target_events=st.sampled_from([None, ["buy"]]),
    new_users=st.booleans(),
)


def inner_order(event):
    return event[ITEM], event[TYPE], ("train", "valid", "rank", "test").index(event[PART])


def moments(events, ties):
    """Return the events of a user as lists of those that happened together, in time order."""
    if ties == "file":
        return [[event] for event in sorted(events, key=lambda e: (e[TIME], e[PLACE]))]
    by_time = groupby(sorted(events, key=lambda e: e[TIME]), key=lambda e: e[TIME])
    return [sorted(group, key=inner_order) for _, group in by_time]


def baskets(events):
    """Return the baskets of a user as lists of steps (one each), with the time of the last event."""
    last = {}
    for event in events:
        if event[BASKET] is not None:
            last[event[BASKET]] = max(event[TIME], last.get(event[BASKET], 0))
    dated = [(*e[:TIME], e[TIME] if e[BASKET] is None else last[e[BASKET]], *e[TYPE:]) for e in events]
    names = sorted({(e[TIME], e[BASKET] or "") for e in dated})
    return [[sorted((e for e in dated if (e[TIME], e[BASKET] or "") == name), key=inner_order)] for name in names]


def sessions(events, ties):
    """Return the sessions of a user as lists of steps; sessions that overlap are merged."""
    steps = moments(events, ties)
    spans = {}
    for at, step in enumerate(steps):
        for event in step:
            name = event[SESSION] or f"none {at}"
            spans[name] = (spans.get(name, (at, at))[0], at)
    merged = []
    for first, last in sorted(spans.values()):
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return [steps[first : last + 1] for first, last in merged]


def units_of(events, unit, ties):
    """Return the units of each user as lists of steps, which are lists of events."""
    find = {
        "event": lambda own: [[step] for step in moments(own, ties)],
        "basket": baskets,
        "session": lambda own: sessions(own, ties),
    }[unit]
    return [find([e for e in events if e[USER] == user]) for user in range(4)]


def end_of(unit):
    return unit[-1][-1][TIME]


def parts_of(units, policy):
    """Return the part of each event, in the form of the units, and the parts that are held out."""
    if isinstance(policy, LeaveLastOut):
        held = [p for p, on in (("validate", policy.validation), ("rank", policy.rank), ("test", True)) if on]

        def of(own, at, _):
            back = len(own) - at
            return held[-back] if back <= len(held) < len(own) else "train"

    elif isinstance(policy, Temporal):
        held = {1: ["test"], 2: ["validate", "test"], 3: ["validate", "rank", "test"]}[len(policy.cuts)]
        times = sorted(end_of(unit) for own in units for unit in own for step in unit for _ in step)
        cuts = [times[int(cut * len(times))] for cut in policy.cuts]

        def of(own, at, _):
            return ["train", *held][sum(end_of(own[at]) >= cut for cut in cuts)]

    else:
        name = {"valid": "validate"}
        found = {name.get(e[PART], e[PART]) for own in units for unit in own for step in unit for e in step}
        held = [p for p in PARTS[1:] if p in found or p == "test"]

        def of(_own, _at, event):
            return name.get(event[PART], event[PART])

    return [[[[of(own, at, e) for e in step] for step in unit] for at, unit in enumerate(own)] for own in units], held


def expected_queries(units, parts, part, policy, rules):
    """Return (user, history, targets, time) by walking over the events."""
    mode = getattr(policy, "targets", "all")
    rank, found = PARTS.index(part), []
    for user, (own, own_parts) in enumerate(zip(units, parts, strict=True)):
        known, asked = [], []
        for unit, unit_parts in zip(own, own_parts, strict=True):
            steps = []
            for step, step_parts in zip(unit, unit_parts, strict=True):
                known += [e for e, p in zip(step, step_parts, strict=True) if PARTS.index(p) < rank]
                steps.append([e for e, p in zip(step, step_parts, strict=True) if p == part])
            asked.append([step for step in steps if step])
        if mode == "each":
            wanted, history = [], list(known)
            for step in (step for unit in asked for step in unit):
                wanted.append((list(history), step))
                history += step
        elif mode == "first":
            wanted = [(known, [e for step in unit for e in step]) for unit in asked]
        else:
            wanted = [(known, [e for unit in asked for step in unit for e in step])]
        for history, events in wanted:
            seen = {e[ITEM] for e in history} if rules.exclude_seen else set()
            events = [e for e in events if e[ITEM] not in seen and (rules.target_events is None or e[TYPE] == 0)]
            ask_new = rules.new_users and not (policy.unit == "session" and mode == "each")
            if events:
                if history or ask_new:
                    found.append((user, [e[ITEM] for e in history], {e[ITEM] for e in events}, events[0][TIME]))
                if mode == "first":
                    break
    return found


def asked(task, part):
    """Return the queries of a task as (user, history, targets, time)."""
    q = task.queries(part)
    h, t = q.histories, q.targets
    return [
        (
            int(q.row[i]),
            h.items[h.offsets[i] : h.offsets[i + 1]].tolist(),
            set(t.items[t.offsets[i] : t.offsets[i + 1]].tolist()),
            int(q.now[i]),
        )
        for i in range(len(q))
    ]


def check(events, policy, rules, ties):
    """Compare a task with the reference; a split that leaves a part empty is refused, and only then."""
    units = units_of(events, policy.unit, ties)
    parts, held = parts_of(units, policy)
    wanted = {part: expected_queries(units, parts, part, policy, rules) for part in held}
    log = log_of(events, ties)
    flat = [(e, p) for own, ps in zip(units, parts, strict=True) for u, ups in zip(own, ps, strict=True)
            for s, sps in zip(u, ups, strict=True) for e, p in zip(s, sps, strict=True)]  # fmt: skip
    if not any(PARTS.index(p) < PARTS.index(held[0]) for _, p in flat):
        with pytest.raises(SplitError, match="leaves no training events"):
            Task.of(log, policy, rules)
        return
    if not all(wanted.values()):
        with pytest.raises(SplitError, match=r"leaves no (test|validate|rank) queries"):
            Task.of(log, policy, rules)
        return
    task = Task.of(log, policy, rules)
    assert list(task.parts.held_out) == held
    assert task.log.items.tolist() == [e[ITEM] for e, _ in flat]
    assert task.log.times.tolist() == [e[TIME] for e, _ in flat]
    for part in held:
        found = asked(task, part)
        assert [q[:3] for q in found] == [q[:3] for q in wanted[part]]
        if getattr(policy, "targets", "all") != "all" or isinstance(policy, LeaveLastOut):
            assert [q[3] for q in found] == [q[3] for q in wanted[part]]
        before = [e[ITEM] for e, p in flat if PARTS.index(p) < PARTS.index(part)]
        assert task.training(part).items.tolist() == before


units_ = st.sampled_from(["event", "basket", "session"])
ties_ = st.sampled_from(["together", "file"])


@given(
    events_of,
    st.sampled_from([[0.5], [0.4, 0.7], [0.3, 0.5, 0.8]]),
    units_,
    st.sampled_from(["all", "first", "each"]),
    rules_of,
    ties_,
)
@settings(max_examples=80)
def test_temporal_agrees_with_the_reference(events, cuts, unit, targets, rules, ties):
    check(events, Temporal(cuts=cuts, unit=unit, targets=targets), rules, ties)


@given(events_of, units_, st.booleans(), st.booleans(), st.sampled_from(["all", "each"]), rules_of, ties_)
@settings(max_examples=80)
def test_leave_last_out_agrees_with_the_reference(events, unit, validation, rank, targets, rules, ties):
    check(events, LeaveLastOut(unit=unit, validation=validation, rank=rank, targets=targets), rules, ties)


@given(events_of, st.sampled_from(["all", "first"]), rules_of, ties_)
@settings(max_examples=50)
def test_given_agrees_with_the_reference(events, targets, rules, ties):
    check(events, Given(targets=targets), rules, ties)


@given(events_of, st.sampled_from(["basket", "session"]), st.sampled_from(["all", "first"]), rules_of, ties_)
@settings(max_examples=50)
def test_given_agrees_with_the_reference_if_it_divides_no_unit(events, unit, targets, rules, ties):
    names = {}
    for own in units_of(events, unit, ties):
        for group in own:
            for step in group:
                for event in step:
                    names[event[PLACE]] = group[0][0][PART]
    events = [(*e[:PART], names[e[PLACE]], e[PLACE]) for e in events]
    check(events, Given(unit=unit, targets=targets), rules, ties)


POLICIES = [
    *(Temporal(cuts=[0.3, 0.6], unit=unit, targets=targets) for unit in ("event", "basket", "session") for targets in ("all", "first", "each")),
    *(LeaveLastOut(unit=unit, rank=rank) for unit in ("event", "basket", "session") for rank in (False, True)),
    *(StrongGeneralisation(unit=unit, validate_users=0.25, test_users=0.5, history=0.5) for unit in ("event", "basket", "session")),
    Given(),
    Given(validate=["never"], rank=["rank", "valid"], validate_share=0.3),
]  # fmt: skip


def contents(log, policy):
    """Return everything that a task has, or the error."""
    try:
        task = Task.of(log, policy, EvaluateSettings(exclude_seen=False))
    except SplitError as error:
        return str(error)
    arrays = (task.log.items, task.log.times, task.log.events, task.parts.codes)
    return [a.tolist() for a in arrays], {part: asked(task, part) for part in task.parts.held_out}, task.description()


@given(events_of, st.randoms(), st.sampled_from(POLICIES))
@settings(max_examples=80)
def test_the_order_of_rows_reaches_no_task(events, random, policy):
    shuffled = list(events)
    random.shuffle(shuffled)
    assert contents(log_of(shuffled), policy) == contents(log_of(events), policy)
