"""The preconditions of checks, and the errors that checks raise."""

from __future__ import annotations

from typing import Literal

from zoo.spec import StageName

Needs = Literal["spec", "class", "fit", "answer"]
"""What must work before a check can run: the registry entry, the class and `tiny`, a fit, or the shape of the outputs."""

FITTED_STAGES: tuple[StageName, ...] = ("featurizer", "predictor", "filter", "ranker")
ALL_STAGES: tuple[StageName, ...] = ("dataset", "cleaner", *FITTED_STAGES, "metric")


class CheckFailedError(AssertionError):
    """A component fails a check; the message says what was found, and what to change."""


class NotApplicableError(Exception):
    """A check does not apply to a component, which was only discovered while it ran."""


def require(holds: bool, found: str) -> None:
    """Raise unless a condition holds.

    Raises:
        CheckFailedError: The condition is false; the message is `found`.
    """
    if not holds:
        raise CheckFailedError(found)
