"""The bodies of requests and answers: their fields, types and limits, from which the OpenAPI page is made."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from zoo.api import RequestEvent

LONGEST_ID = 500
"""Characters of an id."""


def _id(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _text(value: str) -> str:
    """Return a text that can be stored.

    Raises:
        ValueError: It is blank, or half of a character.
    """
    if not value.strip():
        raise ValueError("expected a text that is not blank")
    return _whole(value)


def _whole(value: str) -> str:
    """Return a text without halves of characters, which JSON can write and no file can hold.

    Raises:
        ValueError: It has one.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("the text has half of a surrogate pair, expected whole characters") from None
    return value


def read_time(value: Any) -> int | None:
    """Return a time as a number: UTC milliseconds, or a position for an artifact without timestamps.

    Raises:
        ValueError: It is neither a number nor ISO 8601.
    """
    if value is None:
        return None
    if type(value) is int and 0 <= value < 2**62:
        return value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return int(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
    raise ValueError("expected UTC milliseconds, or a date and time such as 2024-05-31T12:00:00Z")


def _scalar(value: Any) -> Any:
    """Return a value that a column may have.

    Raises:
        ValueError: It is no such value.
    """
    is_number = type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**63
    if not isinstance(value, bool) and not is_number and not isinstance(value, str):
        raise ValueError("expected a text, a number, true or false, or a list of these")
    return _whole(value) if isinstance(value, str) else value


def _where_value(value: Any) -> Any:
    if isinstance(value, list):
        if not 0 < len(value) <= 1_000:
            raise ValueError("expected a list of 1 to 1,000 values")
        return [_scalar(part) for part in value]
    return _scalar(value)


Text = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_ID), AfterValidator(_text)]
Id = Annotated[Text, BeforeValidator(_id)]
Time = Annotated[
    int | None,
    BeforeValidator(read_time),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}, {"type": "null"}]}),
]
_SCALARS = [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]
Value = Annotated[
    Any,
    BeforeValidator(_where_value),
    WithJsonSchema({"anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}]}),
]


class Body(BaseModel):
    """A body without unknown fields."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class HistoryEvent(Body):
    """An event of a history."""

    item_id: Id
    """The item."""
    time: Time = None
    """UTC milliseconds or ISO 8601. All events of a history have a time, or none."""
    event: Text | None = None
    """The type of the event; by default that with the largest weight."""

    @property
    def parsed(self) -> RequestEvent:
        """Return the event for the core."""
        return RequestEvent(self.item_id, self.time, self.event)


def _event(value: Any) -> Any:
    return {"item_id": value} if isinstance(value, str | int) else value


Event = Annotated[
    HistoryEvent,
    BeforeValidator(_event),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/HistoryEvent"}]}),
]


class Rules(Body):
    """What every request for a list may have."""

    k: Annotated[int, Field(strict=True, ge=1)] = 10
    """Length of the list."""
    exclude: Annotated[list[Id], Field(max_length=10_000)] = []
    """Items that the list must not contain."""
    where: Annotated[dict[Text, Value], Field(max_length=50)] = {}
    """Item columns with the value, or the list of values, that an item must have: `{"in_stock": true}`."""
    at: Time = None
    """The time of the request; just after the last event by default."""


class RecommendBody(Rules):
    """Who gets a list: a user, whose history the server has, or a history, or both."""

    user_id: Id | None = None
    """A user. Without a history, the artifact's history of the user counts, and the events sent to `POST /events`."""
    history: list[Event] | None = None
    """Items, or events, oldest first, in place of the user's own."""
    explain: Annotated[bool, Field(strict=True)] = False
    """Whether to name the past items that carry each score."""


class SimilarBody(Rules):
    """An item, for which similar ones are returned."""

    item_id: Id
    """The item."""


class SentEvent(HistoryEvent):
    """An event of a user."""

    user_id: Id
    """The user, whom the artifact need not know."""


class EventsBody(Body):
    """Events that have happened."""

    events: Annotated[list[SentEvent], Field(min_length=1)]
    """The events, oldest first. One without a time happened now."""


class EventsAnswer(BaseModel):
    """What became of the events."""

    accepted: int
    stored: bool = Field(description="whether they are in the log, from which a restart reads them")
    notes: list[str]


class ReasonAnswer(BaseModel):
    """An item of the history that adds to a score."""

    item_id: str
    title: str | None
    contribution: float


class ItemAnswer(BaseModel):
    """An item of a list."""

    item_id: str
    title: str | None
    score: float | None = Field(description="null for an item of the fallback")
    fallback: bool = Field(description="whether the item is a popular one in a slot that the model left empty")
    because: list[ReasonAnswer] | None = Field(None, description="only with `explain`")


class ListAnswer(BaseModel):
    """A list, best first."""

    items: list[ItemAnswer]
    model: str = Field(description="the name of the model")
    version: int = Field(description="counts the artifacts and updates since the server started")
    notes: list[str] = Field(description="what of the request was not used, such as unknown items")


class ErrorEntry(BaseModel):
    """What is wrong, and where."""

    path: str = Field(description="the field, such as `history[3].time`; empty for the request as a whole")
    message: str


class ErrorAnswer(BaseModel):
    """Why a request was refused."""

    errors: list[ErrorEntry]
