"""What checks require of a component, and the errors with which they end."""

from __future__ import annotations

from typing import Literal

from zoo.spec import StageName

Needs = Literal["spec", "class", "fit", "answer"]
"""What has to be in order before a check makes sense: the entry in the registry, the class and `tiny`, a fit, or the shape
of what a fitted instance answers."""

FITTED_STAGES: tuple[StageName, ...] = ("featurizer", "predictor", "filter", "ranker")
ALL_STAGES: tuple[StageName, ...] = ("dataset", *FITTED_STAGES, "metric")


class CheckFailedError(AssertionError):
    """A component does not do what a check asks for; the message says what was found, and what to change."""


class NotApplicableError(Exception):
    """A check has nothing to say of a component, which was found out only while it ran."""


def require(holds: bool, found: str) -> None:
    """Fail unless something holds.

    Raises:
        CheckFailedError: It does not; the message is what was found.
    """
    if not holds:
        raise CheckFailedError(found)
