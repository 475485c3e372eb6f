"""Checks 7 to 10: numbers of queries and targets with which a table answers another question, or none."""

from __future__ import annotations

import numpy as np

from zoo.config.experiment import Part
from zoo.config.split_settings import Given, LeaveLastOut, StrongGeneralisation, Temporal
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of
from zoo.data.targets import NO_TARGET, SEEN_BEFORE

FEWEST_QUERIES = 200
"""Number of queries below which a metric is too uncertain to choose a model or an epoch by it."""
MOST = 0.5
"""Share from which on targets or queries are most of them."""


def find_few_queries(checked: CheckedTask) -> Evidence | None:
    """Return the number of test queries if there are few."""
    n = len(checked.task.queries("test"))
    if n >= FEWEST_QUERIES:
        return None
    return Evidence(
        f"The test part has {_format_queries(n)}, fewer than {FEWEST_QUERIES}.", _hold_out_more(checked, "test")
    )


def find_few_validation_queries(checked: CheckedTask) -> Evidence | None:
    """Return the number of validation queries if there are few, and a model chooses its epochs with them."""
    models = [
        model.label for model in checked.models if model.monitor and model.predictor.capabilities.trains_in_epochs
    ]
    if not models or "validate" not in checked.task.parts.held_out:
        return None
    n = len(checked.task.queries("validate"))
    if n >= FEWEST_QUERIES:
        return None
    return Evidence(
        f"The validation part has {_format_queries(n)}, fewer than {FEWEST_QUERIES}, and these models choose their number of "
        f"epochs with it: {', '.join(models)}.",
        _hold_out_more(checked, "validate"),
    )


def find_seen_targets(checked: CheckedTask) -> Evidence | None:
    """Return the share of target events that are excluded because the user has seen their item, if it is large."""
    events = int(np.count_nonzero(checked.is_target))
    seen = int(checked.task.notes.get(f"test: {NO_TARGET}: {SEEN_BEFORE}", 0))
    if seen <= MOST * events:
        return None
    return Evidence(
        f"{count_of(seen, events)} test events are no targets, because their user has seen the item before.",
        "[evaluate] exclude_seen = false, or target_events = [...] with the events that are rarely repeated",
    )


def find_no_history(checked: CheckedTask) -> Evidence | None:
    """Return the share of test queries without a history if it is large."""
    lengths = checked.task.queries("test").lengths
    without = int(np.count_nonzero(lengths == 0))
    if without <= MOST * len(lengths):
        return None
    found = (
        f"{count_of(without, len(lengths))} test queries have no history: their users have no events before the test."
    )
    columns = checked.log.source.column_names if checked.log.source is not None else []
    sessions = (
        'unit = "session"' if "session_id" in columns else 'unit = "session", with data.columns = { session_id = ... }'
    )
    return Evidence(
        found,
        f"[split] {sessions} if users are visits; or [evaluate] new_users = false",
    )


def _format_queries(n: int) -> str:
    """Return a number of queries."""
    return f"{n:,} {'query' if n == 1 else 'queries'}"


def _hold_out_more(checked: CheckedTask, part: Part) -> str:
    """Return the line of TOML that makes a part larger."""
    split = checked.task.split
    if isinstance(split, Temporal):
        if _is_large(split, part):
            return (
                '[split] policy = "leave-last-out", which has one query for each user with enough events; or more data'
            )
        return "[split] cuts = [0.6, 0.8], or earlier ones, or more data"
    if isinstance(split, StrongGeneralisation):
        name = "test_users" if part == "test" else "validate_users"
        return f"[split] {name} = 0.3, or more data"
    if isinstance(split, LeaveLastOut):
        fixed = "; or [split] validation = false with a fixed [train] max_epochs" if part == "validate" else ""
        return f"use more data: leave-last-out has one query for each user with enough events{fixed}"
    if not isinstance(split, Given):
        return f"hold out more with the settings of the policy {split.policy!r}, or use more data"
    share = "; or [split] validate_share = 0.2 without validation values" if part == "validate" else ""
    return f"give more events the value of the {part} part in the column {split.column!r}{share}"


def _is_large(split: Temporal, part: Part) -> bool:
    """Return whether the cuts hold out a fifth of the data, or more, for a part."""
    cuts = [cut for cut in split.cuts if isinstance(cut, int | float)]
    bounds = [*cuts, 1.0][-2:] if part == "test" else cuts[-2:]
    return len(cuts) == len(split.cuts) and len(bounds) == 2 and bounds[1] - bounds[0] > 0.199


FEW_QUERIES = Check(
    7,
    "few-queries",
    "fewer than 200 test queries",
    "The best value of a column is then often best by chance, and most true differences between models cannot be found.",
    find_few_queries,
)
FEW_VALIDATION_QUERIES = Check(
    8,
    "few-validation-queries",
    "fewer than 200 validation queries for models that stop early",
    "Early stopping then follows chance: a network stops too early or too late, and loses to models without epochs.",
    find_few_validation_queries,
)
SEEN_TARGETS = Check(
    9,
    "seen-targets",
    "most test events excluded as seen",
    "The table ranks models by the items that are new to a user, while most of what happens is a repetition: models of repeat "
    "purchases lose although they would win in the shop.",
    find_seen_targets,
)
NO_HISTORY = Check(
    10,
    "no-history",
    "most test queries without a history",
    "All models can recommend to such a query is what is popular. The table then compares what models do without information, "
    "not what they learn about users.",
    find_no_history,
)
