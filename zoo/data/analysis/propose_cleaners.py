"""Which installed cleaners suit the faults of data, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoo.data.analysis.fault import Fault
from zoo.registry.component import Component
from zoo.spec import Capabilities

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
    names = [component.name for component in installed if clock == "timestamp" or not _needs_time(component)]
    proposed = {}
    for name, treated in CLEANERS.items():
        own = [found[fault] for fault in treated if fault in found]
        if own and names.count(name) == 1:
            proposed[name] = "; ".join(f"{name} for {fault.count:,} {fault.found}" for fault in own)
    return proposed


def _needs_time(component: Component) -> bool:
    """Return whether a component needs timestamps; true if that depends on its parameters."""
    declared = component.spec.capabilities
    return declared.needs_time if isinstance(declared, Capabilities) else True
