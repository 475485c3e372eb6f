"""Splits: assign each event to a part of the task, in one representation for all policies.

A policy gives each event a code: twice the number of its part, plus one if the event is a target of that part. An event
of a held-out user that is only history in part `p` has code `2p`, which lies above all codes of earlier parts and below
the targets of part `p`, code `2p + 1`. The training events of part `p`, its history and its targets are therefore
comparisons of one number. An event outside all parts has a code above all others.
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
from zoo.config.split_settings import Given, LeaveLastOut, Split, StrongGeneralisation, Temporal
from zoo.data.interactions import Interactions
from zoo.errors import SplitError, suggestion

PARTS: tuple[Part, ...] = get_args(Part)
NO_PART = 2 * len(PARTS)
"""The code of an excluded event: it is neither a training event nor history nor a target."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The part of each event of a log.

    Attributes:
        codes: Twice the index of the part in `PARTS`, plus one for a target, or `NO_PART`, `[N]` uint8.
        held_out: The parts with targets, in time order; `test` is the last.
        starts: The start of each part in UTC milliseconds, if the parts are time windows.
    """

    codes: NDArray[np.uint8]
    held_out: tuple[Part, ...]
    starts: Mapping[Part, int] = field(default_factory=dict)

    def before(self, part: Part) -> NDArray[np.bool_]:
        """Return the training events for a part, `[N]`."""
        return self.codes < 2 * PARTS.index(part)

    def known(self, part: Part) -> NDArray[np.bool_]:
        """Return the events that may be in the histories of a part, `[N]`."""
        return self.codes <= 2 * PARTS.index(part)

    def is_target(self, part: Part) -> NDArray[np.bool_]:
        """Return the events that are targets of a part, `[N]`."""
        return np.equal(self.codes, 2 * PARTS.index(part) + 1)

    def counts(self) -> str:
        """Return the number of events of each part as text."""
        sizes = {
            part: int(np.count_nonzero(self.codes // 2 == PARTS.index(part))) for part in ("train", *self.held_out)
        }
        return ", ".join(f"{part} {size:,}" for part, size in sizes.items())


def split(log: Interactions, settings: Split, cold: NDArray[np.bool_] | None = None) -> Parts:
    """Assign the events of a log to the parts of a split.

    Args:
        log: The events.
        settings: The policy.
        cold: The held-out items, `[I]`: all of their events except test targets are excluded.

    Raises:
        SplitError: The log lacks a clock or column that the policy needs, or no training event is left.
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
    first, last = (np.datetime64(int(time), "ms").astype("M8[s]") for time in (log.times.min(), log.times.max()))
    return f"; the events run from {first}Z to {last}Z"


def _temporal(log: Interactions, settings: Temporal) -> Parts:
    """Cut the log at dates or at quantiles of the times. An event at a cut belongs to the part that starts there."""
    if log.clock != "timestamp":
        raise SplitError(
            f"split.policy 'temporal' needs timestamps, and the events are ordered by {log.clock} only. "
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
    """Return a cut as UTC milliseconds; a share is a quantile of the times."""
    if isinstance(cut, datetime):
        return round(cut.timestamp() * 1000)
    rank = min(int(cut * len(times)), len(times) - 1)
    return int(np.partition(times, rank)[rank])


def _leave_last_out(log: Interactions, settings: LeaveLastOut) -> Parts:
    """Hold out the last event of each user, or the last two, unless this leaves the user no training event."""
    held_out: tuple[Part, ...] = ("validate", "test") if settings.validation else ("test",)
    codes = np.zeros(len(log), np.uint8)
    last = log.offsets[1:][log.lengths > len(held_out)] - 1
    for back, part in enumerate(reversed(held_out)):
        codes[last - back] = 2 * PARTS.index(part) + 1
    return Parts(codes, held_out)


def _strong_generalisation(log: Interactions, settings: StrongGeneralisation) -> Parts:
    """Hold out users, and draw a random history from the events of each (Liang et al., WWW 2018)."""
    rng = np.random.default_rng(settings.seed)
    drawn = rng.permutation(log.n_users)
    n_test, n_validate = (round(share * log.n_users) for share in (settings.test_users, settings.validate_users))
    part_of_user = np.zeros(log.n_users, np.uint8)
    part_of_user[drawn[:n_test]] = PARTS.index("test")
    part_of_user[drawn[n_test : n_test + n_validate]] = PARTS.index("validate")
    users = log.users
    order = np.lexsort((rng.random(len(log)), users))
    place = np.empty(len(log), np.int64)  # the rank of each event in a random order of its user's events
    place[order] = np.arange(len(log)) - log.offsets[users]
    in_history = np.ceil(settings.history * log.lengths - 1e-9)
    is_target = (part_of_user[users] > 0) & (place >= in_history[users])
    codes = (2 * part_of_user[users] + is_target).astype(np.uint8)
    return Parts(codes, ("validate", "test") if n_validate else ("test",))


def _given(log: Interactions, settings: Given) -> Parts:
    """Read the parts from a column of the events.

    Raises:
        SplitError: A value belongs to no part.
    """
    values = pc.cast(log.column(settings.column), pa.string()).combine_chunks().dictionary_encode()
    names: dict[str, Part] = {}
    for part, listed in _part_values(settings).items():
        names |= dict.fromkeys(listed, part)
    code_of_value = np.zeros(len(values.dictionary) + 1, np.uint8)
    for at, value in enumerate([*values.dictionary.to_pylist(), None]):
        if value in names:
            part = names[value]
            code_of_value[at] = 2 * PARTS.index(part) + (part != "train")
        elif value is not None or values.null_count:
            raise SplitError(
                f"split.column {settings.column!r} has the value {value!r} ({_count(values, value):,} events), which belongs to no part."
                f"{suggestion(str(value), names)} Values of the parts: {_part_values(settings)}. Add it to one of them."
            )
    codes = code_of_value[values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)]
    validated = bool(np.any(codes == 2 * PARTS.index("validate") + 1))
    return Parts(codes, ("validate", "test") if validated else ("test",))


def _count(values: pa.DictionaryArray, value: str | None) -> int:
    """Return how often a value occurs."""
    if value is None:
        return int(values.null_count)
    return int(pc.sum(pc.equal(values.dictionary_decode(), value)).as_py())


def _part_values(settings: Given) -> dict[Part, list[str]]:
    """Return the values of each part."""
    return {"train": settings.train, "validate": settings.validate_, "test": settings.test}
