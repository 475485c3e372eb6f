"""A recipe as text: its figures in words, and the experiment file that runs it."""

from __future__ import annotations

from typing import Any

from zoo.cli.wording import toml_value
from zoo.errors import ConfigError, suggestion
from zoo.registry.registry import Component
from zoo.spec import Figure, Recipe


def recipe_of(component: Component, name: str) -> Recipe:
    """Return a component's recipe.

    Raises:
        ConfigError: It has none of this name.
    """
    recipes = {recipe.name: recipe for recipe in component.spec.reproduces}
    if name not in recipes:
        known = (
            f"It has: {', '.join(recipes)}." if recipes else "It has none. `zoo show` lists them where there are any."
        )
        raise ConfigError(f"{component.name} has no recipe {name!r}.{suggestion(name, recipes)} {known}")
    return recipes[name]


def figure_said(figure: Figure) -> str:
    """Return a figure in words."""
    measured = "" if figure.measured is None else f"; measured {figure.format_measured()}"
    return f"{figure.metric} {figure.value:g} ± {figure.tolerance:g} ({figure.source}){measured}"


def settings_said(recipe: Recipe) -> str:
    """Return in words what a recipe sets of the model, its training and the split."""
    parts = [", ".join(f"{key} = {toml_value(value)}" for key, value in recipe.params.items())]
    for title, table in (("train", recipe.train), ("split", recipe.split)):
        if table:
            parts.append(f"{title}: " + ", ".join(f"{key} = {toml_value(value)}" for key, value in table.items()))
    return "; ".join(filter(None, parts))


def experiment_file(component: Component, recipe: Recipe) -> str:
    """Return the experiment file of a recipe."""
    head = [
        f"{component.name} on {recipe.dataset}, to reproduce:",
        *(f"  {figure_said(figure)}" for figure in recipe.figures),
        *([recipe.note] if recipe.note else []),
        "  ZOO_DATA=path/to/data zoo bench THIS_FILE",
    ]
    experiment = recipe.experiment(component.name)
    models = experiment.pop("model")
    sections = [(f"[{name}]", table) for name, table in experiment.items()] + [("[[model]]", m) for m in models]
    return "\n\n".join(["\n".join(f"# {line}" for line in head), *(_section(*section) for section in sections)]) + "\n"


def _section(title: str, table: dict[str, Any]) -> str:
    """Return a table of the file."""
    return "\n".join([title, *(f"{key} = {toml_value(value)}" for key, value in table.items())])
