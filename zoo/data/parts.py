"""The part of each event of a log, in one representation for all split policies.

A policy gives each event a code: twice the number of its part, plus one if the event is a target of that part. An event
of a held-out user that is only history in part `p` has code `2p`, which lies above all codes of earlier parts and below
the targets of part `p`, code `2p + 1`. The training events of part `p`, its history and its targets are therefore
comparisons of one number. An event outside all parts has a code above all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.data.dataset import Notes

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
        notes: Counts of users and units that the split could not treat as asked.
    """

    codes: NDArray[np.uint8]
    held_out: tuple[Part, ...]
    starts: Mapping[Part, int] = field(default_factory=dict)
    notes: Notes = field(default_factory=dict)

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


def code_of(part: Part) -> int:
    """Return the code of the events that are targets of a part, or of training events."""
    return 2 * PARTS.index(part) + (part != "train")
