"""The `[split]` table: one class for each policy that divides the events into parts."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from zoo.params import StrictTable


def _no_number(value: Any) -> Any:
    """Refuse a number, which pydantic would interpret as seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError(f"expected a date, found {value!r}.")
    return value


def _in_utc(value: datetime) -> datetime:
    """Return a moment in UTC; a moment without a zone is assumed to be in UTC."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Share = Annotated[float, Field(gt=0, lt=1)]
Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
Targets = Literal["all", "first", "each"]
ColdItems = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the items held out as cold items: all their pre-test events are removed.",
    ),
]
Seed = Annotated[
    int,
    Field(
        description="Seed that selects the held-out items and, with `strong-generalisation`, the users and their histories."
    ),
]
_POLICY_IN_FILES = ConfigDict(json_schema_extra={"required": ["policy"]})
"""In Python the class determines the policy; in a file the key `policy` is required."""


class Temporal(StrictTable):
    """Global time cutoffs: events before the first cut are the training part, the windows after it are the other parts."""

    policy: Literal["temporal"] = "temporal"
    cuts: list[Share] | list[Moment] = Field([0.8, 0.9], min_length=1, max_length=3)
    """Ascending shares of the events, or dates (UTC). One cut: train | test; two: train | validate | test; three: train | validate | rank | test."""
    targets: Targets = "all"
    """How the events of a user in the window become targets: all in one query, only the first, or one query for each event."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0

    @field_validator("cuts", mode="wrap")
    @classmethod
    def _ascending(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        """Refuse cuts that mix shares and dates, and cuts that do not ascend."""
        try:
            cuts = check(value)
        except ValidationError:
            cuts = [1, 0]
        if any(not a < b for a, b in pairwise(cuts)):
            raise ValueError(f"expected one to three ascending shares between 0 and 1, or dates, found {value!r}.")
        return cuts


class LeaveLastOut(StrictTable):
    """The last event of each user is the test part, the event before it the validation part (leaks across time; each report says so)."""

    model_config = _POLICY_IN_FILES

    policy: Literal["leave-last-out"] = "leave-last-out"
    validation: bool = True
    """Whether the second-to-last event is held out for validation."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class StrongGeneralisation(StrictTable):
    """Held-out users: a share of each user's events is the history, the rest are the targets."""

    model_config = _POLICY_IN_FILES

    policy: Literal["strong-generalisation"] = "strong-generalisation"
    validate_users: float = Field(0.1, ge=0, lt=1)
    """Share of the users held out for validation."""
    test_users: float = Field(0.1, gt=0, lt=1)
    """Share of the users held out for testing."""
    history: float = Field(0.8, gt=0, lt=1)
    """Share of a held-out user's events that forms the history."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class Given(StrictTable):
    """A predefined split: a column contains the part of each event."""

    policy: Literal["given"] = "given"
    column: str = "split"
    """The column with the part."""
    train: list[str] = ["train"]
    """Values of the training part."""
    validate_: list[str] = Field(["valid", "validate", "validation"], alias="validate")
    """Values of the validation part, which may be empty."""
    test: list[str] = ["test"]
    """Values of the test part."""
    targets: Targets = "all"
    """How the events of a user in the part become targets: all in one query, only the first, or one query for each event."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0

    model_config = ConfigDict(**_POLICY_IN_FILES, serialize_by_alias=True)


def _policy(value: Any) -> str:
    """Return the policy that a `[split]` table names."""
    policy = value.get("policy", "temporal") if isinstance(value, dict) else getattr(value, "policy", "temporal")
    return str(policy)


Split = Annotated[
    Annotated[Temporal, Tag("temporal")]
    | Annotated[LeaveLastOut, Tag("leave-last-out")]
    | Annotated[StrongGeneralisation, Tag("strong-generalisation")]
    | Annotated[Given, Tag("given")],
    Discriminator(_policy),
]
