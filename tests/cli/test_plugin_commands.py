"""Commands of plugins: the help names them without importing them, they run with the errors of `zoo`, and clashes are refused."""

import sys

import pytest
from click.testing import CliRunner

from zoo.cli.main import main
from zoo.command_specs import COMMANDS, CommandSpec
from zoo.registry.registry import default_registry

PLUGIN = """
from zoo.api import CommandSpec, hookimpl

@hookimpl
def zoo_commands():
    return [{specs}]
"""
COMMAND = """
import click
from zoo.api import DataError

@click.command()
@click.option("--fail", is_flag=True)
def greet(fail):
    \"\"\"Say hello to somebody.\"\"\"
    if fail:
        raise DataError("nobody is there. Come again.")
    click.echo("hello")

number = 3
"""
GREET = "CommandSpec('greet', '{name}_code:greet', 'Say hello.')"


@pytest.fixture
def add_plugin(tmp_path, monkeypatch):
    """Return a function that installs a plugin with commands, and hides those of this repository."""
    names = []

    def add(name, specs=GREET):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[shopzoo]\n{name}={name}\n")
        (tmp_path / f"{name}.py").write_text(PLUGIN.format(specs=specs.format(name=name)))
        (tmp_path / f"{name}_code.py").write_text(COMMAND)
        names.append(name)
        monkeypatch.setenv("ZOO_PLUGINS", ",".join(["core", *names]))

    monkeypatch.syspath_prepend(tmp_path)
    yield add
    for name in names:
        sys.modules.pop(name, None)
        sys.modules.pop(f"{name}_code", None)


def test_the_help_names_the_command_and_imports_nothing_of_it(zoo, add_plugin):
    add_plugin("greeter")
    assert zoo("--help").stdout.partition("\n  doctor ")[2].splitlines()[1].split() == ["greet", "Say", "hello."]
    assert "greeter_code" not in sys.modules


def test_the_command_runs_with_the_help_and_the_errors_of_zoo(zoo, add_plugin):
    add_plugin("greeter")
    assert zoo("greet").stdout == "hello\n"
    found = zoo("greet", "--help").stdout
    assert "Say hello to somebody." in found
    assert zoo("greet", "--help").stdout.count("--traceback") == found.count("--traceback") == 1
    assert zoo("greet", "--fail", code=2).stderr == "zoo: nobody is there. Come again.\n"
    assert "Traceback" in zoo("greet", "--fail", "--traceback", code=2).stderr


def test_the_command_is_an_extension_that_list_and_doctor_know(zoo, add_plugin):
    add_plugin("greeter")
    assert "greet" in zoo("list").stdout
    assert "command greet" in zoo("doctor").stdout
    assert "bench" in zoo("list", "--stage", "command").stdout


def test_a_target_that_is_no_command_is_told(zoo, add_plugin):
    add_plugin("greeter", "CommandSpec('greet', '{name}_code:number', 'Say hello.')")
    said = zoo("greet", code=2).stderr
    assert "the command 'greet' of greeter: its target 'greeter_code:number' is 3, expected a click.Command" in said


def test_a_target_that_cannot_be_imported_is_told(zoo, add_plugin):
    add_plugin("greeter", "CommandSpec('greet', 'greeter_gone:greet', 'Say hello.')")
    assert "greet" in zoo("--help").stdout
    assert "its target 'greeter_gone:greet' cannot be imported (ModuleNotFoundError" in zoo("greet", code=2).stderr


def test_a_name_of_the_core_or_of_another_plugin_is_refused(zoo, add_plugin):
    add_plugin("greeter")
    add_plugin("second")
    add_plugin("third", "CommandSpec('bench', '{name}_code:greet', 'Say hello.')")
    said = zoo("doctor", code=1).stdout.replace("\n", " ")
    assert "the command 'greet' is already provided by the plugin 'greeter' of greeter: rename it" in said
    assert "the command 'bench' is already provided by the core: rename it" in said
    assert zoo("greet").stdout == "hello\n"


def test_an_unknown_command_names_the_plugins_that_failed_to_load(zoo, add_plugin):
    assert "No such command 'gret'." in zoo("gret", code=2).stderr
    default_registry.cache_clear()
    add_plugin("greeter", "1 / 0")
    said = zoo("greet", code=2).stderr
    assert "No such command 'greet'. These plugins failed to load: greeter. `zoo doctor` shows why." in said


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("Greet", "a:b", "Hello."), "command name 'Greet': use lower-case letters"),
        (("greet", "a.b", "Hello."), "command 'greet': target 'a.b' is not of the form 'package.module:command'"),
        (("greet", "a:b", " "), "command 'greet': the summary is empty"),
    ],
)
def test_a_malformed_spec_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        CommandSpec(*fields)


def test_the_names_of_the_core_are_those_of_its_commands():
    assert tuple(COMMANDS) == tuple(main.commands)


def test_completion_names_the_command(add_plugin):
    add_plugin("greeter")
    environment = {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo gre", "COMP_CWORD": "1"}
    done = CliRunner().invoke(main, [], prog_name="zoo", env=environment, complete_var="_ZOO_COMPLETE")
    assert "plain,greet" in done.output
