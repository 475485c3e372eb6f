"""All faults of data, whichever split is used."""

from __future__ import annotations

from zoo.data.analysis.event_faults import find_event_faults
from zoo.data.analysis.fault import Fault
from zoo.data.analysis.id_faults import find_id_faults
from zoo.data.analysis.item_faults import find_item_faults
from zoo.data.analysis.time_faults import find_time_faults
from zoo.data.analysis.user_faults import find_user_faults
from zoo.data.log import Data


def find_faults(data: Data) -> list[Fault]:
    """Return what is wrong with data: events, times, users, items and ids."""
    finders = (find_event_faults, find_time_faults, find_user_faults, find_item_faults, find_id_faults)
    return [fault for find in finders for fault in find(data)]
