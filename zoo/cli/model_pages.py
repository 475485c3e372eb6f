"""Generate `docs/models`: a page for each predictor, from its spec and its class's docstring, and their index."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from zoo.cli.markdown import GENERATED, keys_table, page, rows
from zoo.cli.recipe import settings_said
from zoo.cli.show import capabilities_of, said
from zoo.cli.wording import toml_value
from zoo.errors import ConfigError
from zoo.registry.registry import Component, Registry
from zoo.spec import Figure, Recipe

EXPLAINED = "[How training works](../explanation/training.md), [Choosing a loss](../explanation/choosing-a-loss.md)."


def model_pages(registry: Registry) -> dict[str, str]:
    """Return the pages by file name.

    Raises:
        PluginError: A model's class cannot be imported.
    """
    models = registry.components("predictor")
    return {"index.md": _index(models), **{f"{model.name}.md": page(_page(model)) for model in models}}


def _index(models: list[Component]) -> str:
    """Return the page that leads to the models."""
    lines = [
        (
            f"[`{m.name}`]({m.name}.md)",
            m.spec.summary,
            m.plugin.distribution,
            ", ".join(r.name for r in m.spec.reproduces),
        )
        for m in sorted(models, key=lambda m: (m.plugin.distribution, m.name))
    ]
    return page([
        "# Models",
        GENERATED,
        "The predictors of this repository's plugins. [Components](../reference/components.md) lists the other stages, "
        "featurizers, filters and rankers. `reproduces` names the data sets on which a model comes with parameters and the "
        "published figures that they reproduce.",
        rows(("model", "what it is", "plugin", "reproduces"), lines),
    ])  # fmt: skip


def _page(model: Component) -> Iterator[str]:
    """Yield the parts of a model's page."""
    spec = model.spec
    yield from (f"# `{spec.name}`", GENERATED, spec.summary)
    if spec.citation:
        yield f"After: {spec.citation}"
    yield from paragraphs(inspect.getdoc(model.target()) or "")
    capabilities = capabilities_of(model)
    yield "## What it needs and can do"
    yield "With its default parameters:"
    yield "\n".join(f"- {line}" for line in said(capabilities, spec.stage))
    yield "## How to use it"
    yield f"It comes with `{model.plugin.distribution}`." + _also_called(spec.aliases)
    yield f"```toml\n{_example(model)}\n```"
    if capabilities.validates:
        yield EXPLAINED
    yield "## Parameters"
    yield keys_table(spec.params.model_json_schema())
    if spec.reproduces:
        yield "## Figures"
    for recipe in spec.reproduces:
        yield from _recipe(model, recipe)


def paragraphs(docstring: str) -> list[str]:
    """Return the paragraphs of a docstring, each on one line, up to its list of attributes."""
    text = re.split(r"^(?:Attributes|Args|Raises|Returns|Yields):$", docstring, maxsplit=1, flags=re.MULTILINE)[0]
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _also_called(aliases: tuple[str, ...]) -> str:
    """Return under which other names a model is found."""
    return f" Also called {', '.join(f'`{alias}`' for alias in aliases)}." if aliases else ""


def _example(model: Component) -> str:
    """Return the shortest experiment file with the model."""
    try:
        model.params()
        chosen = toml_value(model.name)
    except ConfigError:  # it cannot do without parameters
        chosen = toml_value({"name": model.name, **model.spec.tiny})
    lines = ["[data]", 'source = "synthetic-shop"', "", "[[model]]", f"predictor = {chosen}"]
    if capabilities_of(model).features == "required":
        lines.append('featurizer = "tf-idf"')
    return "\n".join(lines)


def _recipe(model: Component, recipe: Recipe) -> Iterator[str]:
    """Yield what is said of a recipe."""
    yield f"### {recipe.name}"
    settings = settings_said(recipe)
    yield f"Set: `{settings}`." if settings else "With default parameters."
    yield recipe.note
    figures = [_figure(figure) for figure in recipe.figures]
    yield rows(("metric", "published", "may fall short by", "measured", "source"), figures)
    file = f"{model.name}-{recipe.name}.toml"
    yield (
        f"    zoo show {model.name} --config {recipe.name} > {file}\n"
        f"    ZOO_DATA=path/to/data zoo bench {file} --out runs/{model.name}-{recipe.name}"
    )


def _figure(figure: Figure) -> tuple[str, str, str, str, str]:
    """Return a figure's row."""
    measured = "" if figure.measured is None else f"{figure.measured:g}"
    return figure.metric, f"{figure.value:g}", f"{figure.tolerance:g}", measured, figure.source
