"""The size of the data that a component is fitted on, for estimates that need no data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSize:
    """The counts that determine how much memory a fit needs.

    Attributes:
        users: Users with events.
        items: Items with events.
        events: Events.
        batch_size: Sequences in a training batch.
    """

    users: int
    items: int
    events: int
    batch_size: int = 256
