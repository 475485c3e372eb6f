"""Split by a policy of a plugin: call its function, and check the masks that it returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.config.split_settings import SplitParams
from zoo.data.parts import PARTS, Parts, code_of
from zoo.data.units import Units
from zoo.errors import SplitError
from zoo.registry.plugin_extensions import import_target


def split_by_plugin(units: Units, settings: SplitParams) -> Parts:
    """Assign the events to the parts that a plugin's policy holds out; all other events are for training.

    Raises:
        SplitError: The policy was not looked up by name, or its answer cannot be used.
        PluginError: Its function cannot be imported.
    """
    name = f"split.policy {settings.policy!r}"
    if not settings.target:
        raise SplitError(
            f"{name}: these settings were not looked up by name. Pass the table instead: "
            f'split={{"policy": {settings.policy!r}, ...}}.'
        )
    masks = import_target(settings.target, name)(units.log, settings)
    if not isinstance(masks, dict) or not set(masks) <= set(PARTS[1:]) or "test" not in masks:
        found = f"the parts {', '.join(map(repr, masks))}" if isinstance(masks, dict) else type(masks).__name__
        raise SplitError(
            f"{name}: its function returned {found}, expected a dictionary with a mask for 'test', and perhaps for "
            f"{' and '.join(map(repr, PARTS[1:-1]))}"
        )
    held_out = tuple(part for part in PARTS[1:] if part in masks)
    codes, taken = np.zeros(len(units.log), np.uint8), np.zeros(len(units.log), np.bool_)
    for part in held_out:
        mask = _as_mask(masks[part], len(units.log), f"{name}: the mask of {part!r}")
        if (mask & taken).any():
            raise SplitError(
                f"{name}: {int((mask & taken).sum()):,} events are in several parts, expected one for each event"
            )
        first = mask[units.starts]
        if (first[units.numbers] != mask).any():
            raise SplitError(
                f"{name}: its function divides a {units.kind}, which split.unit forbids: return the same value for all events "
                "of a user at one moment, in one basket or in one session"
            )
        codes[mask], taken = code_of(part), taken | mask
    return Parts(codes, held_out)


def _as_mask(mask: Any, n_events: int, about: str) -> Any:
    """Return a mask as an array.

    Raises:
        SplitError: It has another type or length.
    """
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (n_events,):
        raise SplitError(
            f"{about} is {array.dtype} {list(array.shape)}, expected bool [{n_events}], a value for each event"
        )
    return array
