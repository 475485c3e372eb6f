"""Which installed cleaners suit the faults of data, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from zoo.config.chosen import Chosen
from zoo.data.analysis.fault import Fault
from zoo.data.cleaner import UncleanLog
from zoo.data.cleaning import apply_cleaners
from zoo.data.dataset import Notes
from zoo.data.interactions import Interactions
from zoo.data.log import Data
from zoo.errors import ZooError
from zoo.registry.component import Component

STRAY_TIMES = "time-defects"
"""The cleaner of times that are not those of the events."""
CLEANERS = {
    "merge-items": ("repeated-titles", "similar-titles"),
    "duplicates": ("near-duplicates",),
    "returns": ("negative-quantities",),
    STRAY_TIMES: ("epoch-times", "future-times", "mixed-units"),
    "bots": ("very-active-users",),
    "test-accounts": ("placeholder-users", "very-active-users"),
}
"""Names of cleaners, in the order in which they are applied, with the faults that they treat.

Exact copies need none: `duplicates = "drop-exact"`. An event with a wrong price did happen, and none of the proposed models reads prices.
"""
WITHOUT_FAULT = ("bots",)
"""Cleaners that are tried on every log: bots may be regular without being very active."""
MOST_EVENTS = 5_000_000
"""The most events of a log on which cleaners are tried; of a larger one, the faults alone decide."""


@dataclass(frozen=True, eq=False)
class ProposedCleaners:
    """Cleaners that suit data.

    Attributes:
        reasons: Their names in the order of their use, each with its reason.
        log: What they leave of the log; of one with more than `MOST_EVENTS` events, the log itself.
    """

    reasons: Mapping[str, str]
    log: Interactions


def propose_cleaners(faults: Iterable[Fault], installed: Iterable[Component], data: Data) -> ProposedCleaners:
    """Return the cleaners for faults. One that does nothing with its default parameters is not proposed.

    Args:
        faults: What is wrong with the data.
        installed: The installed cleaners; of a name that several plugins have, none is proposed.
        data: The data.
    """
    found = {fault.name: fault for fault in faults}
    usable = [component for component in installed if _is_usable(component, data.log.clock)]
    small = len(data.log) <= MOST_EVENTS
    reasons, log = dict[str, str](), data.log
    for name, treated in CLEANERS.items():
        own = [found[fault] for fault in treated if fault in found]
        of_name = [component for component in usable if component.name == name]
        if len(of_name) != 1 or not (own or (small and name in WITHOUT_FAULT)):
            continue
        if small:
            reason, log = _try(of_name[0], replace(data, log=log))
        else:
            reason = "; ".join(f"{name} for {fault.count:,} {fault.found}" for fault in own)
        if reason:
            reasons[name] = reason
    return ProposedCleaners(reasons, log)


def _try(cleaner: Component, data: Data) -> tuple[str, Interactions]:
    """Return what a cleaner does with its default parameters, empty if that is nothing or if it fails, and what it leaves."""
    notes: Notes = {}
    unclean = UncleanLog(data.log, data.catalogue, data.user_ids)
    try:
        remaining = apply_cleaners(unclean, [Chosen(cleaner, cleaner.spec.params())], notes).log
    except ZooError:
        return "", data.log
    removed = len(data.log) - len(remaining)
    replaced = sum(int(count) for name, count in notes.items() if name.startswith("items replaced: "))
    if not (removed or replaced) or not len(remaining):
        return "", data.log
    if replaced:
        same = "look at them; same = [...] with a column such as the colour keeps variants apart"
        return f"{cleaner.name} makes {replaced:,} items one with another that has their title: {same}", remaining
    start = f"left out: cleaner {cleaner.name}, "
    causes = [name.removeprefix(start) for name, count in notes.items() if name.startswith(start) and count]
    return f"{cleaner.name} for {removed:,} events ({'; '.join(causes)})", remaining


def _is_usable(cleaner: Component, clock: str) -> bool:
    """Return whether a cleaner runs on the log with its default parameters."""
    params = cleaner.spec.params
    if any(field.is_required() for field in params.model_fields.values()):
        return False
    return clock == "timestamp" or not cleaner.spec.capabilities_for(params()).needs_time


def name_cleaners(faults: Iterable[Fault], installed: Iterable[Component]) -> list[Fault]:
    """Return the faults; what to do names the installed cleaners that treat them."""
    names = {component.name for component in installed}
    named = []
    for fault in faults:
        own = [name for name, treated in CLEANERS.items() if fault.name in treated and name in names]
        quoted = " or ".join(f'"{name}"' for name in own)
        named.append(replace(fault, remedy=f"[data] clean = {quoted}; {fault.remedy}") if own else fault)
    return named
