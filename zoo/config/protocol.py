"""The evaluation protocol of a benchmark in one sentence: what a reader must know before comparing figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProtocolFacts:
    """Facts from a benchmark folder about how its figures were measured.

    Attributes:
        experiment: The resolved experiment, as `BaseResolvedExperiment.as_json` gives it.
        description: The values behind the hash of the task.
        starts: When each part begins, if the split cuts at moments.
        queries: The largest number of queries of a run; 0 if no run is finished.
    """

    experiment: dict[str, Any]
    description: dict[str, Any]
    starts: dict[str, str]
    queries: int


def format_recommend_protocol(facts: ProtocolFacts) -> str:
    """Return the protocol of `task = "recommend"`."""
    split, evaluate = facts.experiment["split"], facts.experiment["evaluate"]
    seen, wanted = evaluate["exclude_seen"], evaluate["target_events"]
    parts = [
        _format_split(split),
        "events of one moment in the order of the file" if facts.experiment["data"].get("ties") == "file" else "",
        *(f"{part} from {moment}" for part, moment in facts.starts.items()),
        f"{100 * split['cold_items']:g} % of the items held out as cold" if split.get("cold_items") else "",
        f"{facts.queries:,} queries{_drawn_from(facts.description)}" if facts.queries else "",
        f"targets: {', '.join(wanted)} events" if wanted else "targets: events of every type",
        "every eligible item is ranked",
        {True: "seen items excluded", False: "seen items allowed"}.get(seen)
        if isinstance(seen, bool)
        else f"items seen by {', '.join(seen)} excluded",
        {"popular": "empty slots filled by popularity", "none": "empty slots count as misses"}.get(
            evaluate.get("fallback", "")  # an older benchmark has no fallback
        ),
        "fitted on everything before the test"
        if facts.experiment["train"]["refit"]
        else "fitted without the validation events (no refit)",
    ]
    return "; ".join(str(p) for p in parts if p) + "."


def _drawn_from(description: dict[str, Any]) -> str:
    """Return from how many queries those of the test were drawn; empty if all were asked."""
    drawn = description.get("evaluate", {}).get("queries")
    return f" drawn from {drawn['of']:,}" if drawn else ""


def _format_split(split: dict[str, Any]) -> str:
    """Return the policy of a split, its unit and its weakness."""
    unit, targets = split.get("unit", "event"), split.get("targets")
    by = "" if unit == "event" else f" by whole {unit}s"
    per_event = ", a query after each event of a session" if unit == "session" and targets == "each" else ""
    return f"split `{split['policy']}`{by}{per_event}" + (
        " (leaks across time)" if split["policy"] == "leave-last-out" else ""
    )


def format_rank_protocol(facts: ProtocolFacts) -> str:
    """Return the protocol of `task = "rank"`."""
    split, evaluate = facts.experiment["split"], facts.experiment["evaluate"]
    folds = facts.description["split"]["folds"] if split["policy"] == "folds" else 1
    assigned = "" if split.get("column") else ", queries assigned at random"
    parts = [
        f"{folds} folds{assigned}; the queries of all folds are pooled"
        if split["policy"] == "folds"
        else "predefined split of the lists",
        f"{facts.queries:,} lists" if facts.queries else "",
        f"a list without a relevant document {'is skipped' if evaluate['empty'] == 'skip' else 'counts ' + evaluate['empty']}",
        f"gain {'2^label - 1' if evaluate['gain'] == 'exponential' else 'label'}",
        "fitted on training and validation lists"
        if facts.experiment["train"]["refit"]
        else "fitted on training lists (no refit)",
    ]
    return "; ".join(p for p in parts if p) + "."
