"""Splits: assign each event to a part of the task by one of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.config.split_settings import WITHOUT_CLOCK, LeaveLastOut, Split, SplitParams, StrongGeneralisation, Temporal
from zoo.data.dataset import Notes
from zoo.data.given_split import split_by_column
from zoo.data.interactions import Interactions
from zoo.data.log_summary import format_period
from zoo.data.moments import moment_of_cut
from zoo.data.parts import NO_PART, PARTS, Parts, code_of
from zoo.data.plugin_split import split_by_plugin
from zoo.data.units import Units
from zoo.errors import SplitError


def split(units: Units, settings: Split, cold: NDArray[np.bool_] | None = None, moments: Sequence[int] = ()) -> Parts:
    """Assign the events of a log to the parts of a split.

    Args:
        units: The events and their units.
        settings: The policy.
        cold: The held-out items, `[I]`: all of their events except test targets are excluded.
        moments: The cuts of a temporal split, UTC milliseconds; found in this log by default.

    Raises:
        SplitError: The log lacks a clock or column that the policy needs, or no training event is left.
    """
    if isinstance(settings, Temporal):
        parts = _temporal(units, settings, moments)
    elif isinstance(settings, LeaveLastOut):
        parts = _leave_last_out(units, settings)
    elif isinstance(settings, StrongGeneralisation):
        parts = _strong_generalisation(units, settings)
    elif isinstance(settings, SplitParams):
        parts = split_by_plugin(units, settings)
    else:
        parts = split_by_column(units, settings)
    log = units.log
    if cold is not None:
        parts = replace(
            parts, codes=np.where(cold[log.items] & ~parts.is_target("test"), NO_PART, parts.codes).astype(np.uint8)
        )
    if not parts.before(parts.held_out[0]).any():
        raise SplitError(
            f"split.policy {settings.policy!r} leaves no training events ({parts.counts()} events{period(log, settings)}): "
            "hold out less, or use more data."
        )
    return parts


def cold_items(ids: pa.Array, settings: Split) -> NDArray[np.bool_] | None:
    """Return the items that `cold_items` holds out, `[I]`; None if the split holds out no items.

    A hash of the item id decides, independently of events and other items; the share is met in expectation.

    Args:
        ids: The item ids as in the data, `[I]`; entry 0 is padding.
        settings: The policy.

    Raises:
        SplitError: The share is so small that no item is held out.
    """
    if not settings.cold_items:
        return None
    key = f"cold items, seed {settings.seed}".encode()
    hashes = b"".join(blake2b(i.encode(), key=key, digest_size=8).digest() for i in ids[1:].to_pylist())
    cold = np.concatenate([[False], np.frombuffer(hashes, ">u8") < settings.cold_items * 2.0**64])
    if not cold.any():
        raise SplitError(
            f"split.cold_items = {settings.cold_items} holds out none of {len(ids) - 1:,} items with seed = {settings.seed}: "
            "hold out a larger share, or use another seed."
        )
    return cold


def period(log: Interactions, settings: Split) -> str:
    """Return the time range of the events, for messages about a temporal split; empty for other splits."""
    if not isinstance(settings, Temporal) or not len(log):
        return ""
    return f"; the events run from {format_period(log)}"


def _temporal(units: Units, settings: Temporal, moments: Sequence[int]) -> Parts:
    """Cut the log at dates or at quantiles of the times. A unit that ends at a cut belongs to the part that starts there."""
    if units.log.clock != "timestamp":
        raise SplitError(
            f"split.policy 'temporal' needs timestamps, and the events are ordered by {units.log.clock} only. "
            f"Use a log with timestamps, or {WITHOUT_CLOCK}."
        )
    names: tuple[Part, ...] = ("validate", "rank", "test")
    held_out = {1: names[2:], 2: (names[0], names[2]), 3: names}[len(settings.cuts)]
    times = units.ends[units.numbers] if units.kind == "session" else units.log.times
    moments = moments or [moment_of_cut(times, cut) for cut in settings.cuts]
    codes = np.zeros(len(times), np.uint8)
    for part, moment in zip(held_out, moments, strict=True):
        codes[times >= moment] = code_of(part)
    return Parts(codes, held_out, dict(zip(held_out, moments, strict=True)))


def _leave_last_out(units: Units, settings: LeaveLastOut) -> Parts:
    """Hold out the last units of each user, one for each part, unless this leaves the user no training unit."""
    wanted = {"validate": settings.validation, "rank": settings.rank, "test": True}
    held_out = tuple(part for part in PARTS if wanted.get(part))
    counts = np.diff(units.offsets)
    enough = counts > len(held_out)
    codes = np.zeros(len(units.starts), np.uint8)
    last = units.offsets[1:][enough] - 1
    for back, part in enumerate(reversed(held_out)):
        codes[last - back] = code_of(part)
    few = int(np.count_nonzero((counts > 0) & ~enough))
    notes: Notes = {f"users not held out: too few {_plural(units)}": few} if few else {}
    return Parts(codes[units.numbers], held_out, notes=notes)


def _plural(units: Units) -> str:
    """Return the name of the units for notes: events that happen together are moments."""
    has_moments = units.kind == "event" and units.log.ties == "together" and units.log.clock != "file-order"
    return "moments" if has_moments else f"{units.kind}s"


def _strong_generalisation(units: Units, settings: StrongGeneralisation) -> Parts:
    """Hold out users, and draw a random history from the events of each (Liang et al., WWW 2018)."""
    log = units.log
    rng = np.random.default_rng(settings.seed)
    drawn = rng.permutation(log.n_users)
    n_test, n_validate = (round(share * log.n_users) for share in (settings.test_users, settings.validate_users))
    part_of_user = np.zeros(log.n_users, np.uint8)
    part_of_user[drawn[:n_test]] = PARTS.index("test")
    part_of_user[drawn[n_test : n_test + n_validate]] = PARTS.index("validate")
    whole = units.kind != "event"
    offsets = units.offsets if whole else log.offsets
    rows = np.repeat(np.arange(log.n_users), np.diff(offsets))
    order = np.lexsort((rng.random(len(rows)), rows))
    place = np.empty(len(rows), np.int64)  # the rank of each event or unit in a random order of its user's
    place[order] = np.arange(len(rows)) - offsets[rows]
    in_history = np.ceil(settings.history * np.diff(offsets) - 1e-9)
    is_target = (part_of_user[rows] > 0) & (place >= in_history[rows])
    codes = (2 * part_of_user[rows] + is_target).astype(np.uint8)
    return Parts(codes[units.numbers] if whole else codes, ("validate", "test") if n_validate else ("test",))
