"""The `[split]` table: how the events are divided into parts, policy by policy."""
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

from zoo.params import Table


def _no_number(value: Any) -> Any:
    """Refuse a number, which pydantic would take for seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError(f"expected a date, found {value!r}.")
    return value


def _in_utc(value: datetime) -> datetime:
    """Return a moment in UTC, where it names no other zone."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Share = Annotated[float, Field(gt=0, lt=1)]
Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
Targets = Literal["all", "first", "each"]
ColdItems = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the items held out: their events before the test are left out, so that they are cold there.",
    ),
]
Seed = Annotated[
    int, Field(description="Draws what is held out: items, and with `strong-generalisation` users and their histories.")
]
_POLICY_IN_FILES = ConfigDict(json_schema_extra={"required": ["policy"]})
"""In Python the class says which policy it is; in a file the key `policy` does."""


class Temporal(Table):
    """Global cutoffs: everything before the first trains, the windows between are the parts."""

    policy: Literal["temporal"] = "temporal"
    cuts: list[Share] | list[Moment] = Field([0.8, 0.9], min_length=1, max_length=3)
    """Ascending shares of the events, or dates (UTC). One: train | test; two: train | validate | test; three: train | validate | rank | test."""
    targets: Targets = "all"
    """What a user did in the window: all of it as one query, its first event, or a query for each event."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0

    @field_validator("cuts", mode="wrap")
    @classmethod
    def _ascending(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        """Refuse what are not all shares or all dates, and cuts that do not ascend."""
        try:
            cuts = check(value)
        except ValidationError:
            cuts = [1, 0]
        if any(not a < b for a, b in pairwise(cuts)):
            raise ValueError(f"expected one to three ascending shares between 0 and 1, or dates, found {value!r}.")
        return cuts


class LeaveLastOut(Table):
    """Per user the last event tests, the one before it validates (leaks across time: labelled so in each table)."""

    model_config = _POLICY_IN_FILES

    policy: Literal["leave-last-out"] = "leave-last-out"
    validation: bool = True
    """Whether the last event but one is held out for validation."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class StrongGeneralisation(Table):
    """Held-out users: a share of their events is the history, the rest the targets."""

    model_config = _POLICY_IN_FILES

    policy: Literal["strong-generalisation"] = "strong-generalisation"
    validate_users: float = Field(0.1, ge=0, lt=1)
    """Share of the users held out for validation."""
    test_users: float = Field(0.1, gt=0, lt=1)
    """Share of the users held out for testing."""
    history: float = Field(0.8, gt=0, lt=1)
    """Share of a held-out user's events that is the history."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class Given(Table):
    """The data come split: a column of the events says to which part each belongs."""

    policy: Literal["given"] = "given"
    column: str = "split"
    """The column."""
    train: list[str] = ["train"]
    """Its values for training."""
    validate_: list[str] = Field(["valid", "validate", "validation"], alias="validate")
    """Its values for validation; there need not be any."""
    test: list[str] = ["test"]
    """Its values for testing."""
    targets: Targets = "all"
    """What a user did in the part: all of it as one query, its first event, or a query for each event."""
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
