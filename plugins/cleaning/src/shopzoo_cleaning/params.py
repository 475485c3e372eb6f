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

    per_hour: int = Field(300, ge=2, le=1_000_000_000)
    """More events than this in some hour."""
    regularity: float = Field(0.1, ge=0)
    """A coefficient of variation of the gaps (at least `events` of them) below this; people have gaps that vary more than their mean."""
    coverage: float = Field(0.5, gt=0, le=1)
    """A larger share of the items that occur (at least 100 of them) in the user's events."""
    hours: int = Field(22, ge=1, le=25)
    """At least this many different hours of one day with an event; 25 to leave this sign out."""
    events: int = Field(50, ge=3, le=1_000_000_000)
    """A user with fewer events before the cut is not judged."""


class TimeDefectsParams(Params):
    """Parameters of `time-defects`."""

    gap_days: float = Field(365.0, gt=0)
    """A time is out of range if a gap without any event of this length lies between it and the bulk of the events."""
    bulk: float = Field(0.8, gt=0.5, lt=1)
    """The share of the events in the middle that is never out of range."""


class SessionsParams(Params):
    """Parameters of `sessions`."""

    minutes: float = Field(30.0, gt=0)
    """A session ends when its user does nothing for longer than this."""


class RareParams(Params):
    """Parameters of `rare`."""

    user: int = Field(5, ge=1, le=1_000_000_000)
    """A user with fewer events, before the cut and of items that are not rare, is rare; 1 to keep all users."""
    item: int = Field(5, ge=1, le=1_000_000_000)
    """An item with fewer events, before the cut and of users who are not rare, is rare; 1 to keep all items."""


class PriceOutliersParams(Params):
    """Parameters of `price-outliers`. A price must exceed both limits."""

    deviations: float = Field(3.5, gt=0)
    """An outlier differs from the median by more than this many robust standard deviations, in logarithms of prices."""
    factor: float = Field(3.0, gt=1)
    """An outlier is more than this many times the median, or less than the median divided by it; of a category, the square of it."""
    prices: int = Field(5, ge=3, le=1_000_000_000)
    """An item with fewer prices before the cut is compared with its category, and a category with fewer is not judged."""


class InternalAccountsParams(Params):
    """Parameters of `test-accounts`."""

    patterns: list[str] = Field(
        [
            r"(^|[^a-z])(test|testing|tester|dummy|demo|fake|admin|administrator|root|staff|internal)[ _-]?(user|account|customer)?([^a-z]|$)"
        ]
    )
    """Regular expressions (RE2); a user whose id contains one, in any case, is a test account. The default finds such words between digits, punctuation and the ends of the id."""
    times: float = Field(20.0, gt=1)
    """An account is of the staff if it has more than this many times the events that 95 % of the users do not exceed."""
    events: int = Field(1000, ge=1, le=1_000_000_000)
    """An account with fewer events before the cut is not of the staff by its volume."""


class MergeItemsParams(Params):
    """Parameters of `merge-items`."""

    same: list[str] = Field([])
    """Columns of the catalogue that must be equal too, such as `brand` or `colour`; a missing value equals another missing value."""
    similar: bool = Field(True)
    """Whether titles are the same with their words in another order, or with a typing error in a rare word. Words with digits and short ones must be equal and in order."""
