"""The commands that plugins add: `zoo --help` shows their summaries, and their code is imported when one runs."""

from __future__ import annotations

import click

from zoo.command_specs import CommandSpec
from zoo.errors import PluginError
from zoo.registry.plugin_extensions import import_target
from zoo.registry.registry import default_registry


class PluginCommand(click.Command):
    """A command of a plugin that is not imported yet.

    Attributes:
        spec: What the plugin declares.
        plugin: The plugin, for messages.
    """

    def __init__(self, spec: CommandSpec, plugin: str) -> None:
        super().__init__(spec.name, short_help=spec.summary, help=spec.summary)
        self.spec, self.plugin = spec, plugin

    def load(self) -> click.Command:
        """Import the command.

        Raises:
            PluginError: Its target cannot be imported, or is no command.
        """
        about = f"the command {self.spec.name!r} of {self.plugin}"
        command = import_target(self.spec.target, about)
        if not isinstance(command, click.Command):
            raise PluginError(f"{about}: its target {self.spec.target!r} is {command!r}, expected a click.Command")
        return command


def plugin_commands() -> dict[str, PluginCommand]:
    """Return the commands of the installed plugins by name."""
    registry = default_registry()
    return {
        name: PluginCommand(spec, registry.extension_plugins["command", name].distribution)
        for name, spec in sorted(registry.extensions["command"].items())
    }


def missing_note() -> str:
    """Return a sentence about plugins that failed to load, since an unknown command may be in one of them."""
    failed = ", ".join(sorted({broken.distribution for broken in default_registry().broken}))
    return f" These plugins failed to load: {failed}. `zoo doctor` shows why." if failed else ""
