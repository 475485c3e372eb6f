"""`zoo show`: describe a component without importing it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import console, echo_json, json_option, plugin_option, registry_with, stage_option
from zoo.cli.schema_text import Key, keys
from zoo.config.formatting import format_figure, format_settings
from zoo.config.recipe import experiment_file, recipe_of
from zoo.config.train import NetworkSettings
from zoo.neural_params import NeuralRankerParams
from zoo.registry.extensions import Extension, list_extensions
from zoo.search_space import Space, spaces_of
from zoo.spec import Capabilities, Recipe, StageName

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.registry.component import Component


@click.command()
@click.argument("name")
@stage_option
@click.option("--config", "recipe", metavar="RECIPE", help="Print the experiment file of a recipe instead.")
@json_option
@plugin_option
def show(name: str, stage: StageName | None, recipe: str | None, as_json: bool, plugins: tuple[Path, ...]) -> None:
    """Describe a component: parameters, capabilities, citation, and recipes that reproduce published figures."""
    registry = registry_with(plugins)
    if recipe is not None:
        component = registry.find(stage or "predictor", name)
        click.echo(experiment_file(component, recipe_of(component, registry, recipe)), nl=False)
        return
    extensions = [] if stage else [e for e in list_extensions(registry) if e.name == name]
    components = any(name in component.names for component in registry.components())
    found = [registry.find(stage, name)] if stage else registry.find_any(name) if components or not extensions else []
    if as_json:
        echo_json([*map(_as_json, found), *(extension.as_json() for extension in extensions)])
        return
    out = console()
    for extension in extensions:
        _print_extension(extension, out)
    for component in found:
        _print(component, out)


def capabilities_of(component: Component) -> Capabilities:
    """Return the capabilities of a component at its default parameters, or at its `tiny` ones if some are required."""
    from zoo.errors import ConfigError

    if isinstance(component.spec.capabilities, Capabilities):
        return component.spec.capabilities
    try:
        return component.capabilities(component.params())
    except ConfigError:
        return component.capabilities(component.params(dict(component.spec.tiny)))


def searched(component: Component) -> dict[str, Space]:
    """Return what `[tune]` searches of a component: its parameters, and the training settings of its networks."""
    found = spaces_of(component.spec.params)
    if issubclass(component.spec.params, NeuralRankerParams):
        table = "ranker_train"
    elif component.spec.stage in ("predictor", "featurizer") and capabilities_of(component).trains_in_epochs:
        table = "train"
    else:
        return found
    return found | {f"{table}.{name}": space for name, space in spaces_of(NetworkSettings).items()}


def _as_json(component: Component) -> dict[str, Any]:
    """Return the description of a component as JSON."""
    spec, plugin = component.spec, component.plugin
    return {
        "name": spec.name,
        "qualified_name": component.qualified_name,
        "stage": spec.stage,
        "summary": spec.summary,
        "aliases": list(spec.aliases),
        "citation": spec.citation,
        "capabilities": asdict(capabilities_of(component)),
        "params": spec.params.model_json_schema(),
        "search_space": {name: space.as_json() for name, space in searched(component).items()},
        "target": spec.target,
        "reproduces": [asdict(recipe) for recipe in spec.reproduces],
        "plugin": {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version},
        "api": spec.api,
    }


def _print(component: Component, out: Console) -> None:
    """Print the description of a component."""
    from rich.markup import escape
    from rich.padding import Padding

    def section(title: str, body: Any) -> None:
        out.print(f"\n[bold]{title}[/bold]")
        out.print(Padding(body, (0, 0, 0, 2), expand=False))

    spec, plugin = component.spec, component.plugin
    out.print(f"[bold cyan]{spec.name}[/bold cyan]  {spec.stage}, {plugin.distribution} {plugin.version}")
    out.print(escape(spec.summary))
    documented = keys(spec.params.model_json_schema())
    section("Parameters", _table(documented) if documented else "none")
    if spaces := searched(component):
        section(
            "Search space", "\n".join(f"[cyan]{name}[/cyan]  {escape(str(space))}" for name, space in spaces.items())
        )
    if spec.stage not in ("dataset", "cleaner", "metric"):
        section(
            "Capabilities, with the default parameters",
            "\n".join(format_capabilities(capabilities_of(component), spec.stage)),
        )
    if needs := format_needs(capabilities_of(component)):
        section("Reads, with the default parameters", escape("\n".join(needs)))
    if spec.aliases:
        section("Also called", ", ".join(spec.aliases))
    if spec.citation:
        section("Citation", escape(spec.citation))
    if spec.reproduces:
        section(
            "Reproduces", escape("\n".join(line for recipe in spec.reproduces for line in _recipe(spec.name, recipe)))
        )


def _print_extension(extension: Extension, out: Console) -> None:
    """Print the description of a loss, a sampler, a split policy or a group of candidate features."""
    from rich.markup import escape
    from rich.padding import Padding

    kind = extension.kind.replace("-", " ")
    out.print(f"[bold cyan]{extension.name}[/bold cyan]  {kind}, {extension.distribution} {extension.version}")
    out.print(escape(extension.summary))
    params = getattr(extension.spec, "params", None)
    if params is not None:
        documented = keys(params.model_json_schema())
        out.print("\n[bold]Parameters[/bold]")
        out.print(Padding(_table(documented) if documented else "none", (0, 0, 0, 2), expand=False))
    if options := getattr(extension.spec, "options", ()):
        out.print(f"\n[bold]Reads the parameters[/bold]\n  {', '.join(options)}")


def _recipe(name: str, recipe: Recipe) -> list[str]:
    """Return the description of a recipe, line by line."""
    about = (
        format_settings(recipe),
        *map(format_figure, recipe.figures),
        recipe.note,
        f"zoo reproduce {name} --recipe {recipe.name}",
    )
    return [recipe.name, *(f"  {line}" for line in about if line)]


def format_needs(capabilities: Capabilities) -> list[str]:
    """Return what a component declares to read besides its usual inputs, one line each."""
    columns, of_users = ", ".join(capabilities.columns), ", ".join(capabilities.user_columns)
    return [
        *["the histories of the queries"] * capabilities.histories,
        *[f"item columns: {columns}"] * bool(columns),
        *[f"user columns: {of_users}"] * bool(of_users),
    ]


def format_capabilities(capabilities: Capabilities, stage: StageName) -> list[str]:
    """Return the capabilities of a component, one line each. Users and features do not apply to a featurizer."""
    c = capabilities
    features = {
        "none": "reads no item features",
        "optional": "can read item features",
        "required": "needs item features",
    }
    cold = {
        True: "scores items that did not occur in training",
        False: "scores only items that occurred in training",
        "by features": "with a featurizer, scores items that did not occur in training",
    }
    if stage == "featurizer":
        lines = [cold[c.cold_items].replace("scores", "represents")]
    else:
        users = "serves new users from their history" if c.cold_users else "serves only users that occurred in training"
        lines = [cold[c.cold_items], users, features[c.features]]
        if stage == "predictor":
            gap = "queries without a history" if c.cold_users else "users that did not occur in training"
            lines.insert(
                2, f"gives {gap} the fallback" if c.needs_history else "orders the items without a history too"
            )
    lines.append("needs timestamps" if c.needs_time else "does not need timestamps")
    lines.append("does not depend on the seed" if c.deterministic else "depends on the seed")
    if c.trains_in_epochs:
        chosen_on = {"featurizer": "held-out items", "ranker": "held-out lists"}
        lines.append(f"chooses its number of epochs on {chosen_on.get(stage, 'the `validate` part')}")
    return [*lines, "needs a `rank` part" if c.trainable else "has nothing to fit"] if stage == "ranker" else lines


def _table(documented: list[Key]) -> Any:
    """Return a table of parameters."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("name", "type", "default", "meaning"):
        table.add_column(title, overflow="fold")
    for key in documented:
        table.add_row(f"[cyan]{key.name}[/cyan]", *map(escape, (key.type, key.default, key.description)))
    return table
