"""Find the recipes of a component, and write the experiment file of a recipe."""

from __future__ import annotations

from typing import Any

from zoo.config.formatting import format_figure, format_toml
from zoo.errors import ConfigError, suggestion
from zoo.registry.component import Component
from zoo.registry.registry import Registry
from zoo.spec import Recipe


def recipe_of(component: Component, registry: Registry, name: str | None = None) -> Recipe:
    """Return the recipe of a component by name; by default the first one.

    Args:
        component: The component.
        registry: The components that an error names, if this one has no recipe.
        name: The name of the recipe.

    Raises:
        ConfigError: The component has no recipe of this name, or none at all.
    """
    recipes = {recipe.name: recipe for recipe in component.spec.reproduces}
    if not recipes:
        having = list(dict.fromkeys(other.name for other in registry.components() if other.spec.reproduces))
        known = f"Models with recipes: {', '.join(having)}" if having else "No installed model has one"
        raise ConfigError(f"{component.name} has no recipe. {known}. `zoo show MODEL` lists those of a model.")
    if name is None:
        return next(iter(recipes.values()))
    if name not in recipes:
        raise ConfigError(
            f"{component.name} has no recipe {name!r}.{suggestion(name, recipes)} It has: {', '.join(recipes)}."
        )
    return recipes[name]


def experiment_file(component: Component, recipe: Recipe) -> str:
    """Return the experiment file of a recipe."""
    head = [
        f"{component.name} on {recipe.dataset}, to reproduce:",
        *(f"  {format_figure(figure)}" for figure in recipe.figures),
        *([recipe.note] if recipe.note else []),
        "  ZOO_DATA=path/to/data zoo bench THIS_FILE",
    ]
    experiment = recipe.experiment(component.name)
    models = experiment.pop("model")
    keys = {key: experiment.pop(key) for key, value in list(experiment.items()) if not isinstance(value, dict)}
    head_keys = "\n".join(f"{key} = {format_toml(value)}" for key, value in keys.items())
    sections = [(f"[{name}]", table) for name, table in experiment.items()] + [("[[model]]", m) for m in models]
    return (
        "\n\n".join(["\n".join(f"# {line}" for line in head), head_keys, *(_section(*section) for section in sections)])
        + "\n"
    )


def _section(title: str, table: dict[str, Any]) -> str:
    return "\n".join([title, *(f"{key} = {format_toml(value)}" for key, value in table.items())])
