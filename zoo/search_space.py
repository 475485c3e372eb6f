"""Search spaces: the values of a parameter that tuning tries, declared beside its type and default.

    factors: int = Field(64, ge=1, tune=int_range(16, 256, log=True))
    loss: LossName = Field("softmax", tune=choice("softmax", "bpr"))
    negatives: int = Field(256, ge=1, tune=int_range(64, 1024, log=True, when={"loss": "bpr"}))

A space is data: it imports neither torch nor a search library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

Conditions = Mapping[str, tuple[Any, ...]]
"""For each parameter of the same component, the values at which a space is searched."""
UNSET = "?"
"""Ends the name of the switch between a value of a range and no value."""


@dataclass(frozen=True)
class Choice:
    """A list of values, without an order.

    Attributes:
        values: The values.
        when: The conditions under which the parameter is searched; it keeps its setting otherwise.
    """

    values: tuple[Any, ...]
    when: Conditions = field(default_factory=dict)

    def contains(self, value: Any) -> bool:
        """Return whether a value is one of the list."""
        return any(_plain(value) == _plain(each) and isinstance(value, bool) == isinstance(each, bool) for each in self.values)  # fmt: skip

    def nearest(self, value: Any) -> Any:
        """Return a value if it is one of the list, or else the nearest number; the first value where nothing is near."""
        if self.contains(value):
            return value
        if not all(map(_is_number, (value, *self.values))):
            return self.values[0]
        return min(self.values, key=lambda each: abs(each - value))

    def draw(self, random: Random) -> Any:
        """Return a random value."""
        return random.choice(self.values)

    def of_values(self) -> Choice:
        """Return the space without None, for a parameter that has a value by default."""
        return replace(self, values=tuple(value for value in self.values if value is not None) or self.values)

    def as_json(self) -> dict[str, Any]:
        """Return the space as JSON."""
        return {"values": [_plain(value) for value in self.values], **_conditions_as_json(self.when)}

    def __str__(self) -> str:
        """Return the space in words."""
        return " | ".join(map(_shown, self.values)) + _format_conditions(self.when)


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`.

    Attributes:
        low: The smallest number.
        high: The largest number.
        whole: Whether the numbers are whole.
        log: Whether numbers are drawn on a logarithmic scale.
        unset: Whether no value (None), with which the data choose, is a point too if the parameter is not set.
        when: The conditions under which the parameter is searched; it keeps its setting otherwise.
    """

    low: float
    high: float
    whole: bool = False
    log: bool = False
    unset: bool = False
    when: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            ValueError: The range is empty, infinite, or has no logarithm.
        """
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"expected `low` below `high`, found {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"expected `low` above 0 on a logarithmic scale, found {self.low:g}")
        if self.whole and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise ValueError(f"expected whole numbers, found {self.low:g} and {self.high:g}")

    def contains(self, value: Any) -> bool:
        """Return whether a value is in the range, or is None where that is a point."""
        if value is None:
            return self.unset
        is_number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high

    def nearest(self, value: Any) -> Any:
        """Return a value if it is in the range, or else the nearest number; the middle of the range for what is no number."""
        if self.contains(value):
            return value
        if not _is_number(value):
            value = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else value

    def draw(self, random: Random) -> Any:
        """Return a random number of the range."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = random.uniform(low, high)
        value = min(max(math.exp(value) if self.log else value, self.low), self.high)
        return round(value) if self.whole else value

    def of_values(self) -> Range:
        """Return the space without None, for a parameter that has a value by default."""
        return replace(self, unset=False)

    def as_json(self) -> dict[str, Any]:
        """Return the space as JSON."""
        flags = {name: True for name in ("whole", "log", "unset") if getattr(self, name)}
        return {"low": self.low, "high": self.high, **flags, **_conditions_as_json(self.when)}

    def __str__(self) -> str:
        """Return the space in words."""
        scale = ", logarithmic" if self.log else ""
        text = f"{self.low:g} to {self.high:g}{scale}{', or not set' if self.unset else ''}"
        return text + _format_conditions(self.when)


Space = Choice | Range
Draw = Callable[[str, Space], Any]
"""Returns a value of a space; its first argument is the name of the parameter."""


def choice(*values: Any, when: Mapping[str, Any] | None = None) -> Choice:
    """Return the space of a list of values.

    Args:
        values: The values.
        when: Search the parameter only if other parameters of the component have these values: a value or a tuple for each.

    Raises:
        ValueError: There is no value.
    """
    if not values:
        raise ValueError("expected one value or more, found none")
    return Choice(values, _conditions(when))


def int_range(
    low: int, high: int, *, log: bool = False, unset: bool = False, when: Mapping[str, Any] | None = None
) -> Range:
    """Return the space of the whole numbers from `low` to `high`, both included. See `float_range`."""
    return Range(low, high, whole=True, log=log, unset=unset, when=_conditions(when))


def float_range(
    low: float, high: float, *, log: bool = False, unset: bool = False, when: Mapping[str, Any] | None = None
) -> Range:
    """Return the space of the numbers from `low` to `high`.

    Args:
        low: The smallest number.
        high: The largest number.
        log: Whether to draw on a logarithmic scale.
        unset: Whether None is a point too, for a parameter whose default is None and is chosen by the data.
        when: Search the parameter only if other parameters of the component have these values: a value or a tuple for each.

    Raises:
        ValueError: The range is empty, infinite, or has no logarithm.
    """
    return Range(low, high, log=log, unset=unset, when=_conditions(when))


def log_range(low: float, high: float, *, unset: bool = False, when: Mapping[str, Any] | None = None) -> Range:
    """Return the space of the numbers from `low` to `high` on a logarithmic scale. See `float_range`."""
    return float_range(low, high, log=True, unset=unset, when=when)


def Field(default: Any = PydanticUndefined, *, tune: Space | None = None, **settings: Any) -> Any:  # noqa: N802
    """Return the definition of a parameter: pydantic's `Field`, with a search space.

    Args:
        default: The default.
        tune: The values that tuning tries; none if it keeps the setting.
        settings: Further arguments of pydantic's `Field`, such as `ge`, `le` and `min_length`.
    """
    defined = pydantic.Field(default, **settings)
    if tune is not None:
        defined.metadata.append(tune)
    return defined


def spaces_of(params: type[BaseModel]) -> dict[str, Space]:
    """Return the search spaces of a class of parameters by name, in an order in which conditions come first.

    Raises:
        ValueError: A condition names no parameter, or conditions depend on each other.
    """
    found = {
        name: space
        for name, defined in params.model_fields.items()
        for space in defined.metadata
        if isinstance(space, Choice | Range)
    }
    for name, space in found.items():
        if unknown := [other for other in space.when if other not in params.model_fields]:
            raise ValueError(f"{params.__name__}.{name}: `when` names {unknown[0]!r}, which is no parameter")
    return in_order(found)


def in_order(spaces: Mapping[str, Space]) -> dict[str, Space]:
    """Return spaces in an order in which those that conditions name come first.

    Raises:
        ValueError: Conditions depend on each other.
    """
    rest, ordered = dict(spaces), dict[str, Space]()
    while rest:
        ready = [name for name, space in rest.items() if not set(space.when) & set(rest)]
        if not ready:
            raise ValueError(f"the conditions of {' and '.join(rest)} depend on each other")
        ordered |= {name: rest.pop(name) for name in ready}
    return ordered


def draw_point(spaces: Mapping[str, Space], settings: Mapping[str, Any], draw: Draw) -> dict[str, Any]:
    """Return a value for each parameter whose conditions hold.

    Args:
        spaces: The spaces by parameter, in the order of `in_order`.
        settings: The values of all parameters of the component.
        draw: Returns a value of a space. For a range with `unset`, it first chooses between True and False under the name
            with `UNSET` at its end: whether the parameter has a value.
    """
    point: dict[str, Any] = {}
    for name, space in spaces.items():
        values = {**settings, **point}
        if not all(Choice(allowed).contains(values.get(other)) for other, allowed in space.when.items()):
            continue
        is_switch = isinstance(space, Range) and space.unset
        point[name] = None if is_switch and not draw(f"{name}{UNSET}", SWITCH) else draw(name, space)
    return point


SWITCH = Choice((True, False))
"""Whether a parameter has a value."""


def random_draw(random: Random) -> Draw:
    """Return a function that draws at random."""
    return lambda name, space: space.draw(random)


def _conditions(when: Mapping[str, Any] | None) -> Conditions:
    """Return conditions with a tuple of values for each parameter."""
    return {name: value if isinstance(value, tuple) else (value,) for name, value in (when or {}).items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """Return a value with lists in place of tuples, as JSON has it."""
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    """Return a value of a list for people."""
    return "not set" if value is None else json.dumps(_plain(value), ensure_ascii=False)


def _conditions_as_json(when: Conditions) -> dict[str, Any]:
    """Return conditions as JSON; nothing if there are none."""
    return {"when": {name: [_plain(value) for value in values] for name, values in when.items()}} if when else {}


def _format_conditions(when: Conditions) -> str:
    """Return conditions in words."""
    parts = [f"{name} = {' or '.join(map(_shown, values))}" for name, values in when.items()]
    return f"; if {' and '.join(parts)}" if parts else ""
