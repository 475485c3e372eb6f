"""The `[split]` table: one class for each policy that divides the events into parts."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    SerializeAsAny,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

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
Unit = Literal["event", "basket", "session"]
UNIT_COLUMNS: dict[Unit, str] = {"basket": "basket_id", "session": "session_id"}
"""The column of the events that says which unit an event belongs to."""
SplitUnit = Annotated[
    Unit,
    Field(
        description='What is never divided between parts: an event (with `data.ties = "together"`, all events of a user at one moment), '
        "a basket (column `basket_id`) or a session (column `session_id`)."
    ),
]
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
        ge=0,
        description="Seed that selects the held-out items, the users and histories of `strong-generalisation`, and the units of `validate_share`.",
    ),
]
WITHOUT_CLOCK = 'split.policy = "leave-last-out", with split.unit = "basket" or "session" if several rows belong to one order or visit'
"""Advice for data without timestamps, for error messages."""
_POLICY_IN_FILES = ConfigDict(json_schema_extra={"required": ["policy"]})
"""In Python the class determines the policy; in a file the key `policy` is required."""


class SplitTable(StrictTable):
    """The keys of `[split]` that all policies share."""

    @model_validator(mode="before")
    @classmethod
    def _ask_within_sessions(cls, value: Any) -> Any:
        """With sessions as units, each event of a held-out session is the target of a query unless the file says otherwise."""
        if isinstance(value, dict) and value.get("unit") == "session" and "targets" in cls.model_fields:
            return {"targets": "each", **value}
        return value


class Temporal(SplitTable):
    """Global time cutoffs: events before the first cut are the training part, the windows after it are the other parts.

    A basket or session belongs to the part in which its last event falls.
    """

    policy: Literal["temporal"] = "temporal"
    unit: SplitUnit = "event"
    cuts: list[Share] | list[Moment] = Field([0.8, 0.9], min_length=1, max_length=3)
    """Ascending shares of the events, or dates (UTC). One cut: train | test; two: train | validate | test; three: train | validate | rank | test."""
    targets: Targets = "all"
    """How the events of a user in the window become targets: `all` in one query, only the `first` unit, or a query for `each` unit; with `unit = "session"`, a query for each event of a session after the ones before it, which is the default there."""
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


class LeaveLastOut(SplitTable):
    """The last unit of each user is the test part, the unit before it the validation part (leaks across time; each report says so)."""

    model_config = _POLICY_IN_FILES

    policy: Literal["leave-last-out"] = "leave-last-out"
    unit: SplitUnit = "event"
    validation: bool = True
    """Whether a unit before the test unit is held out for validation."""
    rank: bool = False
    """Whether the unit before the test unit is held out for fitting rankers; validation then takes the unit before that one."""
    targets: Literal["all", "each"] = "all"
    """How the events of a held-out unit become targets: `all` in one query, or a query for `each` event of a session after the ones before it, which is the default with `unit = "session"`."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class StrongGeneralisation(SplitTable):
    """Held-out users: a random share of each user's events is the history, the rest are the targets.

    Baskets and sessions are drawn whole. Events of one moment are drawn one by one, because their order is not used.
    """

    model_config = _POLICY_IN_FILES

    policy: Literal["strong-generalisation"] = "strong-generalisation"
    unit: SplitUnit = "event"
    validate_users: float = Field(0.1, ge=0, lt=1)
    """Share of the users held out for validation."""
    test_users: float = Field(0.1, gt=0, lt=1)
    """Share of the users held out for testing."""
    history: float = Field(0.8, gt=0, lt=1)
    """Share of a held-out user's events that forms the history."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0


class Given(SplitTable):
    """A predefined split: a column contains the part of each event."""

    policy: Literal["given"] = "given"
    unit: SplitUnit = "event"
    column: str = "split"
    """The column with the part."""
    train: list[str] = ["train"]
    """Values of the training part."""
    validate_: list[str] = Field(["valid", "validate", "validation"], alias="validate")
    """Values of the validation part, which may be empty."""
    validate_share: float = Field(0.0, ge=0, lt=1)
    """Share of the training units to hold out for validation, if the column has no validation values: the latest ones if the log has timestamps, else units drawn by a hash with `seed`."""
    rank: list[str] = ["rank"]
    """Values of the part on which rankers are fitted, which may be empty. It lies between validation and test."""
    test: list[str] = ["test"]
    """Values of the test part."""
    targets: Targets = "all"
    """How the events of a user in the part become targets: `all` in one query, only the `first` unit, or a query for `each` unit; with `unit = "session"`, a query for each event of a session after the ones before it, which is the default there."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0

    model_config = ConfigDict(**_POLICY_IN_FILES, serialize_by_alias=True)


class SplitParams(SplitTable):
    """The keys of `[split]` for a policy of a plugin. Subclass it to add keys.

    Attributes:
        has_rank_part: Whether the policy may hold out a part for fitting rankers.
    """

    has_rank_part: ClassVar[bool] = False
    _target: str = PrivateAttr("")

    policy: str
    """The name of the policy."""
    unit: SplitUnit = "event"
    targets: Targets = "all"
    """How the events of a user in a part become targets: `all` in one query, only the `first` unit, or a query for `each` unit."""
    cold_items: ColdItems = 0.0
    seed: Seed = 0

    @property
    def target(self) -> str:
        """Return the location of the function of the policy; empty if it was not looked up by name."""
        return self._target

    def with_target(self, target: str) -> Self:
        """Return these settings with the location of the function of the policy."""
        copy = self.model_copy()
        copy._target = target
        return copy


PLUGIN = "_plugin"
"""The tag of a policy that a plugin provides; like every tag with an underscore, it is not offered to users."""


def _policy(value: Any) -> str:
    """Return the policy that a `[split]` table names."""
    if isinstance(value, SplitParams):
        return PLUGIN
    policy = value.get("policy", "temporal") if isinstance(value, dict) else getattr(value, "policy", "temporal")
    return str(policy)


Split = Annotated[
    Annotated[Temporal, Tag("temporal")]
    | Annotated[LeaveLastOut, Tag("leave-last-out")]
    | Annotated[StrongGeneralisation, Tag("strong-generalisation")]
    | Annotated[Given, Tag("given")]
    | Annotated[SerializeAsAny[SkipJsonSchema[SplitParams]], Tag(PLUGIN)],
    Discriminator(_policy),
]


def has_rank_part(split: Split) -> bool:
    """Return whether a split may hold out a part for fitting rankers; for a given split, the column decides."""
    if isinstance(split, Temporal):
        return len(split.cuts) == 3
    if isinstance(split, LeaveLastOut):
        return split.rank
    if isinstance(split, SplitParams):
        return split.has_rank_part
    return isinstance(split, Given) and bool(split.rank)


def how_to_hold_out_rank_part(split: Split) -> str:
    """Return advice on how to hold out a `rank` part."""
    if isinstance(split, LeaveLastOut):
        return "Set `rank = true` in [split]."
    if isinstance(split, Given):
        return "Name its values in the column: `rank = [...]` in [split]."
    with_temporal = 'Use `policy = "temporal"` with three `cuts`'
    return (
        f"{with_temporal}."
        if isinstance(split, Temporal)
        else f"{with_temporal}, or `leave-last-out` with `rank = true`."
    )


_EARLIER_MEANING: dict[str, tuple[Any, ...]] = {"unit": ("event",), "rank": (False, ["rank"]), "validate_share": (0.0,)}
"""Keys that were added later, and the values with which a split is what it was before."""


def identify_split(split: Split) -> dict[str, Any]:
    """Return the settings that determine a split. Keys that do not change it are absent, so that its hash stays the same."""
    unchanged = {key for key, values in _EARLIER_MEANING.items() if getattr(split, key, None) in values}
    if isinstance(split, LeaveLastOut) and split.targets == "all":
        unchanged.add("targets")
    return split.model_dump(mode="json", exclude=unchanged)
