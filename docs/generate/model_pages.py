"""Generate `docs/models`: a page for each predictor, featurizer and ranker from its spec and docstring, and an index."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from generate.markdown import GENERATED, keys_table, page, rows
from zoo.cli.show_command import capabilities_of, format_capabilities, searched
from zoo.config.formatting import format_settings, format_toml
from zoo.errors import ConfigError
from zoo.registry.component import Component
from zoo.registry.registry import Registry
from zoo.spec import Figure, Recipe, StageName

WITH_PAGES: tuple[StageName, ...] = ("predictor", "featurizer", "ranker")
"""The stages whose components have their own pages, in the order of the index."""
EXPLAINED: dict[StageName, str] = {
    "predictor": "[How training works](../explanation/training.md), [Choosing a loss](../explanation/choosing-a-loss.md).",
    "featurizer": "The core trains it with the settings of `[train]` on pairs of items that a user interacted with within "
    "`window` events: the vector of one item has to retrieve the vector of the other among those of the batch. Training "
    "needs only titles and an event log, and takes minutes. If the catalogue is large enough, it trains twice: first "
    "with a tenth of the items held out, to choose the number of epochs, then on all items. An epoch draws one pair for "
    "each event, at most `epoch_pairs`.",
}
"""A paragraph about training for the models of a stage that train in epochs."""
COMPARED = "[Choosing a featurizer](../explanation/choosing-a-featurizer.md) compares them."


def model_pages(registry: Registry) -> dict[str, str]:
    """Return the pages, keyed by file name.

    Raises:
        PluginError: A model's class cannot be imported.
    """
    models = [model for stage in WITH_PAGES for model in registry.components(stage)]
    return {"index.md": _index(models), **{f"{model.name}.md": page(_page(model)) for model in models}}


def _index(models: list[Component]) -> str:
    """Return the index page, stage by stage."""
    parts = [
        "# Models",
        GENERATED,
        "The predictors, featurizers and rankers of this repository's plugins. [Components](../reference/components.md) lists "
        "the other stages, such as filters. `reproduces` names the data sets for which a model has a recipe: parameters that "
        "reproduce published figures.",
    ]
    for stage in WITH_PAGES:
        if found := [model for model in models if model.spec.stage == stage]:
            parts += [f"## {stage.capitalize()}s", _listed(found, stage)]
    return page(parts)


def _listed(models: list[Component], stage: StageName) -> str:
    """Return the table of a stage's models, sorted by plugin; only predictors have published figures."""
    headers = ("featurizer" if stage == "featurizer" else "model", "what it is", "plugin")
    models = sorted(models, key=lambda m: (m.plugin.distribution, m.name))
    lines = [(f"[`{m.name}`]({m.name}.md)", m.spec.summary, m.plugin.distribution) for m in models]
    if stage != "predictor":
        return rows(headers, lines)
    reproduced = [", ".join(recipe.name for recipe in m.spec.reproduces) for m in models]
    return rows((*headers, "reproduces"), [(*line, names) for line, names in zip(lines, reproduced, strict=True)])


def _page(model: Component) -> Iterator[str]:
    """Yield the parts of a model's page."""
    spec = model.spec
    yield from (f"# `{spec.name}`", GENERATED, spec.summary)
    if spec.citation:
        yield f"After: {spec.citation}"
    yield from paragraphs(inspect.getdoc(model.target()) or "")
    capabilities = capabilities_of(model)
    yield "## Capabilities"
    yield "With its default parameters:"
    yield "\n".join(f"- {line}" for line in format_capabilities(capabilities, spec.stage))
    yield "## Usage"
    yield f"Part of the plugin `{model.plugin.distribution}`." + _also_called(spec.aliases)
    yield f"```toml\n{_example(model)}\n```"
    if capabilities.trains_in_epochs and spec.stage in EXPLAINED:
        yield EXPLAINED[spec.stage]
    if spec.stage == "featurizer":
        yield COMPARED
    yield "## Parameters"
    yield keys_table(spec.params.model_json_schema())
    if spaces := searched(model):
        yield "## Search space"
        yield "What `[tune]` searches of the parameters that a file does not set ([Tune models](../how-to/tune.md))."
        yield rows(("parameter", "values"), [(f"`{name}`", _escaped(str(space))) for name, space in spaces.items()])
    if spec.reproduces:
        yield "## Figures"
    for recipe in spec.reproduces:
        yield from _recipe(model, recipe)


def paragraphs(docstring: str) -> list[str]:
    """Return the paragraphs of a docstring, each on one line, up to its list of attributes."""
    text = re.split(r"^(?:Attributes|Args|Raises|Returns|Yields):$", docstring, maxsplit=1, flags=re.MULTILINE)[0]
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _escaped(text: str) -> str:
    """Return a text for a cell of a table, in which a bar separates columns."""
    return text.replace(" | ", ", ")


def _also_called(aliases: tuple[str, ...]) -> str:
    """Return the aliases of a model."""
    return f" Also called {', '.join(f'`{alias}`' for alias in aliases)}." if aliases else ""


def _example(model: Component) -> str:
    """Return the shortest experiment file with the model."""
    try:
        model.params()
        chosen = format_toml(model.name)
    except ConfigError:  # it has required parameters
        chosen = format_toml({"name": model.name, **model.spec.tiny})
    stage, capabilities = model.spec.stage, capabilities_of(model)
    lines = ["[data]", 'source = "synthetic-shop"', ""]
    if stage == "ranker" and capabilities.trainable:
        lines += ["[split]", "cuts = [0.7, 0.8, 0.9]", ""]  # three cuts create a `rank` part
    lines.append("[[model]]")
    if stage == "predictor":
        lines.append(f"predictor = {chosen}")
    elif stage == "featurizer":
        lines += ['predictor = "content-knn"', f"featurizer = {chosen}"]
    else:
        lines += ['predictor = "item-knn"', f"rankers = [{chosen}]"]
    if capabilities.features == "required":
        lines.append('featurizer = "tf-idf"')
    return "\n".join(lines)


def _recipe(model: Component, recipe: Recipe) -> Iterator[str]:
    """Yield the parts of a recipe's section."""
    yield f"### {recipe.name}"
    settings = format_settings(recipe)
    yield f"Settings: `{settings}`." if settings else "With default parameters."
    yield recipe.note
    figures = [_figure(figure) for figure in recipe.figures]
    yield rows(("metric", "published", "tolerance", "measured", "source"), figures)
    yield f"    ZOO_DATA=path/to/data zoo reproduce {model.name} --recipe {recipe.name}"


def _figure(figure: Figure) -> tuple[str, str, str, str, str]:
    """Return the row of a figure."""
    return figure.metric, f"{figure.value:g}", f"{figure.tolerance:g}", figure.format_measured(), figure.source
