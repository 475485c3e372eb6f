"""Which split suits the data, and why; several in the order of preference, because a split may leave a part without queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.config.split_settings import UNIT_COLUMNS, Given, StrongGeneralisation
from zoo.data.analysis.goods import Cold
from zoo.data.analysis.rhythm import DAY
from zoo.data.checks.unit_columns import UnitColumn
from zoo.data.interactions import Interactions

DAYS = 2.0
"""The shortest span, in days, in which the last tenth of the events is another time than the rest."""
UNKNOWN = 0.7
"""Share of users without an earlier event from which on a cut by time asks about strangers."""
FEWEST = 200
"""Users with a history below which a cut by time is not proposed, if the end of each user gives three times as many queries."""
MORE_USERS = 0.3
"""The share of users to hold out if the default gives fewer queries than that."""
SHORT = 5
"""Events below which a fifth of a user's events is none."""
CUTS = [0.8, 0.9]
TRAIN, VALIDATE, TEST = "train", ("valid", "validate", "validation"), "test"


@dataclass(frozen=True)
class Line:
    """A line of a TOML file with its reason, which is a comment."""

    key: str
    value: Any
    reason: str = ""


@dataclass(frozen=True)
class ProposedSplit:
    """A split.

    Attributes:
        words: What it is, in a phrase.
        lines: The lines of `[split]`.
        columns: What it needs in `[data] columns`.
        ordered: Whether histories have an order.
        published: Whether others measure on the same split.
    """

    words: str
    lines: Sequence[Line]
    columns: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True
    published: bool = False


def propose_splits(
    log: Interactions,
    splits: Sequence[str],
    units: Mapping[str, UnitColumn],
    cold: Sequence[Cold],
    mapped: Mapping[str, str],
    *,
    anonymous: bool,
    stray: bool = False,
) -> list[ProposedSplit]:
    """Return splits in the order of preference.

    Args:
        log: The events.
        splits: The values of a column `split`.
        units: The columns of baskets and sessions.
        cold: What the default splits leave without a past.
        mapped: `[data] columns`.
        anonymous: Whether the users are sessions.
        stray: Whether a cleaner removes stray times; shares of the events before that would cut elsewhere.
    """
    unit = _unit(units, mapped, anonymous=anonymous)
    found = []
    if TRAIN in splits and TEST in splits:
        found.append(_given(log, splits, anonymous=anonymous))
    by_time = next((c for c in cold if c.split.startswith("temporal")), None)
    days = float(log.times.max() - log.times.min()) / DAY if len(log) else 0.0  # of timestamps only
    if log.clock == "timestamp" and by_time is not None:
        temporal = _temporal(log, unit, by_time, days, anonymous=anonymous, stray=stray)
        by_user = next(c for c in cold if c is not by_time)
        known = by_time.queries * (1 - by_time.users)
        few = known < FEWEST and by_user.queries >= 3 * known
        known_few = days < DAYS or ((by_time.users > UNKNOWN or few) and not anonymous)
        last = [] if anonymous else [_leave_last_out(unit, _why_not_temporal(by_time, days) if known_few else "")]
        found += [*last, temporal] if known_few else [temporal, *last]
    elif log.clock == "position" and not anonymous:
        found.append(_leave_last_out(unit, "the events have an order and no times"))
    found.append(_strong(log, mapped, anonymous=anonymous))
    return found


def _unit(
    units: Mapping[str, UnitColumn], mapped: Mapping[str, str], *, anonymous: bool
) -> tuple[list[Line], dict[str, str]]:
    """Return the line of the unit, and the mapping that it needs."""
    if anonymous:
        return [
            Line(
                "unit",
                "session",
                "the events have no users: each session is one, and each of its events is asked for after those before it",
            )
        ], {}
    for kind in ("basket", "session"):
        if kind in units:
            column, canonical = units[kind], UNIT_COLUMNS[kind]
            own = mapped.get(column.name, column.name)
            columns = {} if column.name == canonical else {canonical: own}
            why = f"the column {column.name} groups the events of a user to {kind}s, which a split must not divide"
            return [Line("unit", kind, why)], columns
    return [], {}


def _given(log: Interactions, splits: Sequence[str], *, anonymous: bool) -> ProposedSplit:
    """Return the split of a column."""
    lines = [
        Line(
            "policy",
            "given",
            f"the column split of the events has the parts {', '.join(splits)}: figures compare with others on this split",
        )
    ]
    if anonymous:
        lines.append(
            Line(
                "unit",
                "session",
                "the events have no users: each event of a session is asked for after those before it",
            )
        )
    if not set(VALIDATE) & set(splits):
        lines.append(
            Line("validate_share", 0.1, "the column has no validation part, which early stopping and tuning need")
        )
    words = f"given by the column {Given().column}"
    return ProposedSplit(words, lines, ordered=log.clock != "file-order", published=True)


def _temporal(
    log: Interactions,
    unit: tuple[list[Line], dict[str, str]],
    cold: Cold,
    days: float,
    *,
    anonymous: bool,
    stray: bool,
) -> ProposedSplit:
    """Return a split by time."""
    moments = np.quantile(log.times, CUTS, method="lower").astype(np.int64)
    dates = [f"{np.datetime64(int(m), 'ms').astype('M8[m]')}" for m in moments]
    at = (
        "after 80 and 90 % of the events that the cleaners leave"
        if stray
        else f"shares of the events: {' and '.join(dates)} (UTC)"
    )
    why = f"the log has times over {days:,.0f} days: the past predicts the future, as in a shop"
    known = (
        ""
        if anonymous
        else f"; {cold.queries:,} users have events in the last tenth, {1 - cold.users:.0%} of them with a history"
    )
    lines = [
        Line("policy", "temporal", why),
        Line("cuts", [f"{date}Z" for date in dates] if stray else CUTS, f"{at}{known}"),
        *unit[0],
    ]
    if unit[0] and unit[0][0].value == "session" and not anonymous:
        lines.append(Line("targets", "all", "a query for each user of the window, as a recommendation between visits"))
    return ProposedSplit("temporal, shares 0.8 and 0.9", lines, unit[1])


def _why_not_temporal(cold: Cold, days: float) -> str:
    """Return why a cut by time does not suit."""
    if days < DAYS:
        return f"the log spans {days:.1f} days, so that a cut by time separates nothing"
    if cold.users <= UNKNOWN:
        known = round(cold.queries * (1 - cold.users))
        return (
            f"only {known:,} users have events in the last tenth of the time and before it: too few to compare models"
        )
    return f"{cold.users:.0%} of the users in the last tenth of the time have no earlier event: a cut by time would ask about strangers"


def _leave_last_out(unit: tuple[list[Line], dict[str, str]], why: str) -> ProposedSplit:
    """Return the split that holds out the end of each user."""
    words = f"leave-last-out by {unit[0][0].value if unit[0] else 'event'}"
    caution = (
        "the end of each user is the test part; it leaks across users in time, so that trends look easier than they are"
    )
    lines = [Line("policy", "leave-last-out", "; ".join(filter(None, [why, caution]))), *unit[0]]
    return ProposedSplit(words, lines, unit[1])


def _strong(log: Interactions, mapped: Mapping[str, str], *, anonymous: bool) -> ProposedSplit:
    """Return the split that holds out users, or sessions without users."""
    why = "no order of the events is known" if log.clock == "file-order" else "no split in time leaves queries"
    if anonymous and log.clock == "position":
        why = "the events have no times, so that nothing tells earlier sessions from later ones"
    who = "sessions" if anonymous else "users"
    lines = [
        Line(
            "policy",
            "strong-generalisation",
            f"{why}: {who} are held out, and a random part of their events is asked for",
        )
    ]
    lengths = log.lengths[log.lengths > 0]
    if len(lengths) and np.median(lengths) < SHORT:
        lines.append(Line("history", 0.5, f"half of the {who} have {np.median(lengths):g} events or fewer, of which the default would ask for none"))  # fmt: skip
    few = log.n_users * StrongGeneralisation().test_users < FEWEST
    if few:
        lines.append(Line("test_users", MORE_USERS, f"the default share of {log.n_users:,} {who} gives few queries"))
    columns = {"user_id": mapped.get("session_id", "session_id")} if anonymous else {}
    return ProposedSplit(f"strong generalisation over held-out {who}", lines, columns, ordered=False)
