"""Generate pages of `docs` from the code: config, components, command line, Python names, models, and kept results.

`python docs/generate` writes the pages; `--check` fails if they are stale.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

import click

from generate.conformance_page import conformance_page
from generate.markdown import GENERATED, keys_table, page, rows
from generate.model_pages import WITH_PAGES, model_pages
from generate.python_page import python_page
from generate.results_page import results_page
from zoo.cli.schema_text import Schema
from zoo.cli.show_command import capabilities_of, format_capabilities
from zoo.config.json_schema import experiment_schema
from zoo.config.tasks import DEFAULT_TASK, TASKS, TaskEntry
from zoo.errors import PluginError
from zoo.registry.component import Component
from zoo.registry.registry import Registry
from zoo.spec import STAGES

ROOT = Path(__file__).parents[2]
ALL_GENERATED = ("models",)
"""Folders that contain only generated pages; other pages in them are stale."""


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a page is stale.")
@click.pass_context
def main(ctx: click.Context, check: bool) -> None:
    """Generate the pages."""
    docs = ROOT / "docs"
    texts = {docs / name: text for name, text in pages().items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    obsolete = [path for folder in ALL_GENERATED for path in sorted((docs / folder).glob("*.md")) if path not in texts]
    if not check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
        for path in obsolete:
            path.unlink()
    for path in (*stale, *obsolete):
        shown, done = path.relative_to(ROOT), "removed" if path in obsolete else "wrote"
        click.echo(f"{shown} is stale: run `make docs`" if check else f"{done} {shown}", err=check)
    ctx.exit(1 if check and (stale or obsolete) else 0)


def pages() -> dict[str, str]:
    """Return the pages, keyed by their path in `docs`.

    Raises:
        PluginError: A plugin of this repository is not installed or fails to load.
    """
    registry = _in_tree()
    return {
        "reference/config.md": _config(),
        "reference/components.md": _components(registry),
        "reference/cli.md": _cli(),
        "reference/python.md": python_page(),
        **conformance_page(),
        **{f"models/{name}": text for name, text in model_pages(registry).items()},
        **results_page(ROOT / "docs" / "results"),
    }


def _in_tree() -> Registry:
    """Return a registry of only this repository's plugins."""
    files = [ROOT / "pyproject.toml", *sorted((ROOT / "plugins").glob("*/pyproject.toml"))]
    names = [tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"] for file in files]
    registry = Registry.discover()
    loaded = {plugin.distribution for plugin in registry.plugins}
    if missing := [name for name in names if name not in loaded]:
        raise PluginError(
            f"{', '.join(missing)}: not installed or broken. Run `make setup` to install, `zoo doctor` to see errors."
        )
    return Registry(plugin for plugin in registry.plugins if plugin.distribution in names)


def _config() -> str:
    """Return the page of the experiment file."""
    schema = experiment_schema(Registry([]))
    tables: dict[str, Schema] = schema["$defs"]
    parts = [
        "# The experiment file",
        GENERATED,
        "A TOML file. It is checked before any data are read; an unknown key is an error that names its place. Paths are "
        "relative to the file, and `${VAR}` in a string is replaced by the environment variable; results and artifacts contain "
        "`${VAR}`, not its value. A component is given by its "
        'name (`"als"`), or by a table with `name` and its parameters (`{ name = "als", factors = 64 }`); '
        "[Components](components.md) lists all of them. "
        "`zoo config check FILE` checks a file, `zoo config schema` prints the JSON schema for editors.",
    ]
    remarks = {
        "data": ["`k_core` is one number for users and items, or a table:", keys_table(tables["KCore"])],
        "model": [
            "`featurizer`, `filters` and `rankers` accept one component or a list.",
            "`candidate_features` is a table; [Candidate features](candidate-features.md) describes the groups.",
            keys_table(tables["CandidateFeatureSettings"]),
        ],
    }
    others = dict(TASKS)
    plain = {k: s for k, s in tables[TASKS[DEFAULT_TASK].file.__name__]["properties"].items() if _is_plain(k, s)}
    parts += ["## Top of the file", "Keys above the tables, beside `task`.", keys_table({"properties": plain})]
    for key, table in _keys_of_file(others.pop(DEFAULT_TASK), tables):
        parts += [*_file_section(key, table, tables, 2), *remarks.get(key, [])]
    for name, entry in others.items():
        parts += [f'## `task = "{name}"`', f"{entry.about} `[train]` is the same; the other tables are described here."]
        for key, table in _keys_of_file(entry, tables):
            if key != "train":
                parts += _file_section(key, table, tables, 3)
    return page(parts)


def _keys_of_file(entry: TaskEntry, tables: dict[str, Schema]) -> Iterable[tuple[str, Schema]]:
    """Return the tables of a task's experiment file with their schemas."""
    keys = tables[entry.file.__name__]["properties"]
    return [(key, schema) for key, schema in keys.items() if key != "task" and not _is_plain(key, schema)]


def _is_plain(key: str, schema: Schema) -> bool:
    """Return whether a key of the file holds a single value rather than a table."""
    return key != "task" and schema.get("type") in ("boolean", "integer", "number", "string")


def _file_section(key: str, schema: Schema, tables: dict[str, Schema], level: int) -> list[str]:
    """Return the section of a key of the file: a table, a list of tables, or a table whose keys depend on its policy."""
    if "oneOf" not in schema and "anyOf" not in schema:
        one = schema.get("items", schema)
        return _section(f"[[{key}]]" if "items" in schema else f"[{key}]", tables[_referred(one)], level)
    parts = [f"{'#' * level} `[{key}]`", schema["description"]]
    for choice in schema.get("oneOf", schema.get("anyOf")):
        table = tables[_referred(choice)]
        policy = table["properties"]["policy"]["const"]
        parts += [
            f'{"#" * (level + 1)} `policy = "{policy}"`',
            table["description"],
            keys_table(table, without="policy"),
        ]
    return parts


def _referred(schema: Schema) -> str:
    """Return the name of the table that a schema refers to."""
    return str(schema["$ref"]).rpartition("/")[2]


def _components(registry: Registry) -> str:
    """Return the page of the components, stage by stage."""
    parts = [
        "# Components",
        GENERATED,
        "The components of this repository's plugins. `zoo list` lists the installed components, `zoo show NAME` describes one.",
    ]
    for stage in STAGES:
        found = registry.components(stage)
        if found:
            parts += [f"## {stage.capitalize()}s", rows(("name", "what it is", "plugin"), map(_summary, found))]
            if stage not in WITH_PAGES:
                parts += [part for component in found for part in _component(component)]
    return page(parts)


def _summary(component: Component) -> tuple[str, str, str]:
    """Return a component's row in the table of its stage."""
    name, stage = component.name, component.spec.stage
    place = f"../models/{name}.md" if stage in WITH_PAGES else f"#{stage}-{name}"
    return f"[`{name}`]({place})", component.spec.summary, component.plugin.distribution


def _component(component: Component) -> Iterable[str]:
    """Yield the parts of a component's section."""
    spec = component.spec
    yield f"### {spec.stage} `{spec.name}`"
    yield spec.summary
    if spec.stage not in ("dataset", "cleaner", "metric"):
        yield f"With its default parameters it {'; '.join(format_capabilities(capabilities_of(component), spec.stage))}."
    yield keys_table(spec.params.model_json_schema())
    if spec.aliases:
        yield f"Also called {', '.join(f'`{alias}`' for alias in spec.aliases)}."
    if spec.citation:
        yield f"After: {spec.citation}"


def _cli() -> str:
    """Return the page of the command line: the help text of each command."""
    from zoo.cli.main import main as zoo

    parts = ["# The command line", GENERATED]
    for name, command in _commands("zoo", zoo):
        context = click.Context(command, info_name=name, terminal_width=100, help_option_names=["-h", "--help"])
        parts += [f"## `{name}`", f"```text\n{command.get_help(context)}\n```"]
    return page(parts)


def _commands(name: str, command: click.Command) -> Iterable[tuple[str, click.Command]]:
    """Yield a command and all its subcommands."""
    yield name, command
    if isinstance(command, click.Group):
        for sub, below in command.commands.items():
            yield from _commands(f"{name} {sub}", below)


def _section(title: str, table: Schema, level: int = 2) -> list[str]:
    """Return the section of a table of the file."""
    described = str(table["description"]).partition(": ")[2]
    return [f"{'#' * level} `{title}`", described[:1].upper() + described[1:], keys_table(table)]
