"""What a fresh process found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Report:
    """What a fresh process found.

    Attributes:
        heavy: The heavy packages that importing the plugin and asking it for its components imported.
        before: What each component answered before it was saved, by `stage/name`.
        after: What it answered in the fresh process.
        errors: What went wrong, there or before, by `stage/name`.
        failure: Why the process itself came to no good end, or nothing.
    """

    heavy: list[str]
    before: dict[str, Tensor]
    after: dict[str, Tensor]
    errors: dict[str, str]
    failure: str = ""


class Reporter(Protocol):
    """A fresh process, as far as checks ask it."""

    @property
    def report(self) -> Report:
        """Return what it found."""
