"""Which installed cleaners suit the faults of data, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoo.data.analysis.fault import Fault
from zoo.registry.component import Component

CLEANERS = {
    "duplicates": ("near-duplicates",),
    "returns": ("negative-quantities",),
    "time-defects": ("epoch-times", "future-times"),
    "bots": ("very-active-users",),
}
"""Names of cleaners, in the order in which they are applied, with the faults that they treat. Exact copies need none: `duplicates = "drop-exact"`."""


def propose_cleaners(faults: Iterable[Fault], installed: Iterable[Component], clock: str) -> Mapping[str, str]:
    """Return the names of cleaners for faults, in the order of their use, each with its reason.

    Args:
        faults: What is wrong with the data.
        installed: The installed cleaners; of a name that several plugins have, none is proposed.
        clock: What orders the events; `timestamp` if they have times.
    """
    found = {fault.name: fault for fault in faults}
    names = [c.name for c in installed if _is_usable(c, clock)]
    proposed = {}
    for name, treated in CLEANERS.items():
        own = [found[fault] for fault in treated if fault in found]
        if own and names.count(name) == 1:
            proposed[name] = "; ".join(f"{name} for {fault.count:,} {fault.found}" for fault in own)
    return proposed


def _is_usable(cleaner: Component, clock: str) -> bool:
    """Return whether a cleaner runs on the log with its default parameters."""
    params = cleaner.spec.params
    if any(field.is_required() for field in params.model_fields.values()):
        return False
    return clock == "timestamp" or not cleaner.spec.capabilities_for(params()).needs_time
