"""The search space of a model: the union of the spaces of its components and of its training settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.train import NetworkSettings
from zoo.params import validated
from zoo.search_space import UNSET, Draw, Space, draw_point

Point = Mapping[str, Any]
"""A value for each searched parameter, by its name in the model: `{"predictor.factors": 64, "train.learning_rate": 0.001}`."""


@dataclass(frozen=True)
class SearchedPart:
    """A component of a model, or a table of its training settings, and what is searched of it.

    Attributes:
        name: Its name in the model: `predictor`, `rankers.lambdamart`, `train`.
        owner: The component or the settings, with the values of the file and the defaults.
        spaces: The spaces by parameter, in the order of `in_order`.
    """

    name: str
    owner: Chosen | NetworkSettings
    spaces: Mapping[str, Space]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the values of all parameters: those of the file, and the defaults."""
        owner = self.owner
        return dict(owner.params) if isinstance(owner, Chosen) else dict(owner)

    def with_values(self, values: Mapping[str, Any], where: str) -> Chosen | NetworkSettings:
        """Return the component or the settings with other values.

        Args:
            values: New values by parameter.
            where: Its place, for errors.

        Raises:
            ConfigError: The values are not valid together.
        """
        owner = self.owner
        if isinstance(owner, NetworkSettings):
            return validated(NetworkSettings, {**dict(owner), **values}, where)
        given = owner.params.model_dump(by_alias=True, exclude_unset=True)
        return Chosen(owner.component, owner.component.params({**given, **values}, where))


@dataclass(frozen=True)
class ModelSpace:
    """The search space of a model.

    Attributes:
        parts: Its parts, in pipeline order; those without a space are left out.
    """

    parts: tuple[SearchedPart, ...]

    @property
    def spaces(self) -> dict[str, Space]:
        """Return the spaces by their name in the model."""
        return {f"{part.name}.{name}": space for part in self.parts for name, space in part.spaces.items()}

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Return a point; see `draw_point`.

        Args:
            draw: Returns a value of a space.
        """

        def of_part(part: SearchedPart) -> Iterator[tuple[str, Any]]:
            start = f"{part.name}."
            found = draw_point(part.spaces, part.settings, lambda name, space: draw(start + name, space))
            return ((start + name, value) for name, value in found.items())

        return dict(entry for part in self.parts for entry in of_part(part))

    def first_point(self) -> dict[str, Any]:
        """Return the point of the first trial: the settings of the file, and the defaults, or the nearest values of the space."""
        settings = {f"{part.name}.{name}": value for part in self.parts for name, value in part.settings.items()}
        value_of = value_in(settings)
        return self.draw(lambda name, space: space.nearest(value_of(name, space)))

    def as_json(self) -> dict[str, Any]:
        """Return the spaces as JSON."""
        return {name: space.as_json() for name, space in self.spaces.items()}


def value_in(point: Point) -> Draw:
    """Return a function that draws the values of a point, and for a switch whether the point has a value."""

    def draw(name: str, space: Space) -> Any:
        parameter = name.removesuffix(UNSET)
        return point[parameter] is not None if parameter != name else point[parameter]

    return draw
