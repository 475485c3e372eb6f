"""Parameters of the cleaners; importing this module imports no torch."""

from zoo.api import Field, Params


class DuplicatesParams(Params):
    """Parameters of `duplicates`."""

    seconds: float = Field(2.0, ge=0)
    """An event repeats the one before it with the same user, item and type if it is at most this much later; 0 for exact copies only."""


class ReturnsParams(Params):
    """Parameters of `returns`."""

    days: float = Field(100.0, gt=0)
    """A row with a quantity below zero cancels the last purchase of the same user and item that is at most this old."""


class BotsParams(Params):
    """Parameters of `bots`. A user is a bot by any of the four signs."""

    per_hour: int = Field(300, ge=2)
    """More events than this in some hour."""
    regularity: float = Field(0.1, ge=0)
    """A coefficient of variation of the gaps (at least `events` of them) below this; people have gaps that vary more than their mean."""
    coverage: float = Field(0.5, gt=0, le=1)
    """A larger share of the items that occur (at least 100 of them) in the user's events."""
    hours: int = Field(22, ge=1, le=25)
    """At least this many different hours of one day with an event; 25 to leave this sign out."""
    events: int = Field(50, ge=3)
    """A user with fewer events before the cut is not judged."""


class TimeDefectsParams(Params):
    """Parameters of `time-defects`."""

    gap_days: float = Field(365.0, gt=0)
    """A time is out of range if a gap without any event of this length lies between it and the bulk of the events."""
    bulk: float = Field(0.98, gt=0.5, lt=1)
    """The share of the events in the middle that is never out of range."""
