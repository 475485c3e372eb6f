"""Splits: to which part of a task each event belongs, for every policy in one form.

A policy deals each event of a log a code: twice the number of its part, plus one where the part asks for the event. So
an event of a held-out user that is history only (code `2p`) lies before what part `p` asks for (code `2p + 1`) and
after everything of the parts before it; what trains before part `p`, what is known when it is asked, and what it asks
for are three comparisons of that one number. What is of no part has a code past all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.config.splits import Given, LeaveLastOut, Split, StrongGeneralisation, Temporal
from zoo.data.interactions import Interactions
from zoo.errors import SplitError, suggestion

PARTS: tuple[Part, ...] = get_args(Part)
NO_PART = 2 * len(PARTS)
"""The code of an event that is left out: it trains nothing, is no history, and nobody asks for it."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Which part of a split each event of a log belongs to.

    Attributes:
        codes: Twice the number of the part in `PARTS`, plus one where the part asks for the event, or `NO_PART`, `[N]` uint8.
        held_out: The parts that the split asks something in, in time order; `test` is the last.
        starts: Where parts are windows of time: when each begins, UTC milliseconds.
    """

    codes: NDArray[np.uint8]
    held_out: tuple[Part, ...]
    starts: Mapping[Part, int] = field(default_factory=dict)

    def before(self, part: Part) -> NDArray[np.bool_]:
        """Return which events may train what the part tests, `[N]`."""
        return self.codes < 2 * PARTS.index(part)

    def known(self, part: Part) -> NDArray[np.bool_]:
        """Return which events may be history when the part asks, `[N]`."""
        return self.codes <= 2 * PARTS.index(part)

    def asked(self, part: Part) -> NDArray[np.bool_]:
        """Return which events the part asks for, `[N]`."""
        return np.equal(self.codes, 2 * PARTS.index(part) + 1)

    def counts(self) -> str:
        """Return how many events each part has, in words."""
        sizes = {
            part: int(np.count_nonzero(self.codes // 2 == PARTS.index(part))) for part in ("train", *self.held_out)
        }
        return ", ".join(f"{part} {size:,}" for part, size in sizes.items())


def split(log: Interactions, settings: Split, cold: NDArray[np.bool_] | None = None) -> Parts:
    """Deal the events of a log to the parts of a split.

    Args:
        log: The events.
        settings: The policy.
        cold: Items held out, `[I]`: of their events those that the test asks for stay, the others are of no part.

    Raises:
        SplitError: The log lacks what the policy needs, or nothing is left to train on.
    """
    if isinstance(settings, Temporal):
        parts = _temporal(log, settings)
    elif isinstance(settings, LeaveLastOut):
        parts = _leave_last_out(log, settings)
    elif isinstance(settings, StrongGeneralisation):
        parts = _strong_generalisation(log, settings)
    else:
        parts = _given(log, settings)
    if cold is not None:
        parts = replace(
            parts, codes=np.where(cold[log.items] & ~parts.asked("test"), NO_PART, parts.codes).astype(np.uint8)
        )
    if not parts.before(parts.held_out[0]).any():
        raise SplitError(
            f"split.policy {settings.policy!r} leaves no event to train on ({parts.counts()} events{period(log, settings)}): "
            "hold out less, or use more data."
        )
    return parts


def cold_items(ids: pa.Array, settings: Split) -> NDArray[np.bool_] | None:
    """Return which items `cold_items` holds out, `[I]`; None where the split holds out none.

    A hash of an item's id decides, so that no other item and no event has a say; the share is met in the mean.

    Args:
        ids: The items' own ids, `[I]`; entry 0 is padding.
        settings: The policy.

    Raises:
        SplitError: The share is so small that none is held out.
    """
    if not settings.cold_items:
        return None
    key = f"cold items, seed {settings.seed}".encode()
    hashes = b"".join(blake2b(i.encode(), key=key, digest_size=8).digest() for i in ids[1:].to_pylist())
    cold = np.concatenate([[False], np.frombuffer(hashes, ">u8") < settings.cold_items * 2.0**64])
    if not cold.any():
        raise SplitError(
            f"split.cold_items = {settings.cold_items} holds out none of {len(ids) - 1:,} items with seed = {settings.seed}: "
            "hold out a larger share, or draw with another seed."
        )
    return cold


def period(log: Interactions, settings: Split) -> str:
    """Return from when to when the events run, for a message about a split at moments; nothing for another."""
    if not isinstance(settings, Temporal) or not len(log):
        return ""
    first, last = (np.datetime64(int(time), "ms").astype("M8[s]") for time in (log.times.min(), log.times.max()))
    return f"; the events run from {first}Z to {last}Z"


def _temporal(log: Interactions, settings: Temporal) -> Parts:
    """Cut at moments: a share of the events, or a date. What happens at a cut belongs to the part that begins there."""
    if log.clock != "timestamp":
        raise SplitError(
            f"split.policy 'temporal' cuts at moments, and the events are ordered by {log.clock} only, which is no clock. "
            'Use a log with timestamps, or split.policy = "leave-last-out".'
        )
    names: tuple[Part, ...] = ("validate", "rank", "test")
    held_out = {1: names[2:], 2: (names[0], names[2]), 3: names}[len(settings.cuts)]
    moments = [_moment(log.times, cut) for cut in settings.cuts]
    codes = np.zeros(len(log), np.uint8)
    for part, moment in zip(held_out, moments, strict=True):
        codes[log.times >= moment] = 2 * PARTS.index(part) + 1
    return Parts(codes, held_out, dict(zip(held_out, moments, strict=True)))


def _moment(times: NDArray[np.int64], cut: float | datetime) -> int:
    """Return a cut as UTC milliseconds; a share is that quantile of the times."""
    if isinstance(cut, datetime):
        return round(cut.timestamp() * 1000)
    rank = min(int(cut * len(times)), len(times) - 1)
    return int(np.partition(times, rank)[rank])


def _leave_last_out(log: Interactions, settings: LeaveLastOut) -> Parts:
    """Hold out the last event of each user, or the last two; a user with nothing left to train on is not held out."""
    held_out: tuple[Part, ...] = ("validate", "test") if settings.validation else ("test",)
    codes = np.zeros(len(log), np.uint8)
    last = log.offsets[1:][log.lengths > len(held_out)] - 1
    for back, part in enumerate(reversed(held_out)):
        codes[last - back] = 2 * PARTS.index(part) + 1
    return Parts(codes, held_out)


def _strong_generalisation(log: Interactions, settings: StrongGeneralisation) -> Parts:
    """Hold out users, and draw the events of each that are its history (Liang et al., WWW 2018)."""
    rng = np.random.default_rng(settings.seed)
    drawn = rng.permutation(log.n_users)
    n_test, n_validate = (round(share * log.n_users) for share in (settings.test_users, settings.validate_users))
    part_of_user = np.zeros(log.n_users, np.uint8)
    part_of_user[drawn[:n_test]] = PARTS.index("test")
    part_of_user[drawn[n_test : n_test + n_validate]] = PARTS.index("validate")
    users = log.users
    order = np.lexsort((rng.random(len(log)), users))
    place = np.empty(len(log), np.int64)  # of each event in a random order of its user's
    place[order] = np.arange(len(log)) - log.offsets[users]
    in_history = np.ceil(settings.history * log.lengths - 1e-9)
    asked = (part_of_user[users] > 0) & (place >= in_history[users])
    codes = (2 * part_of_user[users] + asked).astype(np.uint8)
    return Parts(codes, ("validate", "test") if n_validate else ("test",))


def _given(log: Interactions, settings: Given) -> Parts:
    """Take the parts from a column of the events.

    Raises:
        SplitError: A value is of no part.
    """
    values = pc.cast(log.column(settings.column), pa.string()).combine_chunks().dictionary_encode()
    names: dict[str, Part] = {}
    for part, listed in _listed(settings).items():
        names |= dict.fromkeys(listed, part)
    code_of_value = np.zeros(len(values.dictionary) + 1, np.uint8)
    for at, value in enumerate([*values.dictionary.to_pylist(), None]):
        if value in names:
            part = names[value]
            code_of_value[at] = 2 * PARTS.index(part) + (part != "train")
        elif value is not None or values.null_count:
            raise SplitError(
                f"split.column {settings.column!r} has the value {value!r} ({_count(values, value):,} events), which is of no part."
                f"{suggestion(str(value), names)} Values of the parts: {_listed(settings)}. Add it to one of them."
            )
    codes = code_of_value[values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)]
    validated = bool(np.any(codes == 2 * PARTS.index("validate") + 1))
    return Parts(codes, ("validate", "test") if validated else ("test",))


def _count(values: pa.DictionaryArray, value: str | None) -> int:
    """Return how often a value occurs."""
    if value is None:
        return int(values.null_count)
    return int(pc.sum(pc.equal(values.dictionary_decode(), value)).as_py())


def _listed(settings: Given) -> dict[Part, list[str]]:
    """Return the values of each part."""
    return {"train": settings.train, "validate": settings.validate_, "test": settings.test}
