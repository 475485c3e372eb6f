"""Collect and validate the losses that a plugin provides with the hook `zoo_losses`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pluggy

from zoo.errors import PluginError
from zoo.loss_specs import LOSSES, LossSpec
from zoo.neural_params import NeuralParams


def collect_losses(manager: pluggy.PluginManager, plugin: str, provided: Mapping[str, str]) -> tuple[LossSpec, ...]:
    """Return the losses of a plugin.

    Args:
        manager: The plugin manager, in which the plugin is registered.
        plugin: The plugin, for messages.
        provided: The names of the losses of other plugins, with the plugin that provides each.

    Raises:
        PluginError: The hook does not return a list of `LossSpec`, a name is taken, or an option is not a parameter.
    """
    about = f"zoo_losses of {plugin}"
    taken = {**dict.fromkeys(LOSSES, "the core"), **provided}
    found = []
    for loss in _answers(manager, about):
        if not isinstance(loss, LossSpec):
            raise PluginError(f"{about} returned {loss!r} in its list, expected a LossSpec")
        if loss.name in taken:
            raise PluginError(f"{about}: the loss {loss.name!r} is already provided by {taken[loss.name]}: rename it")
        unknown = [option for option in loss.options if option not in NeuralParams.model_fields]
        if unknown:
            raise PluginError(
                f"{about}: the loss {loss.name!r} has the options {', '.join(map(repr, unknown))}, expected names of parameters "
                "of NeuralParams, such as 'temperature'"
            )
        taken[loss.name] = "the same plugin"
        found.append(loss)
    return tuple(found)


def _answers(manager: pluggy.PluginManager, about: str) -> Iterator[Any]:
    """Yield the losses that the hook returns, and raise an error if it does not return a list."""
    for implementation in manager.hook.zoo_losses.get_hookimpls():
        answer = implementation.function()
        if not isinstance(answer, list | tuple):
            raise PluginError(f"{about} returned {answer!r}, expected a list of LossSpec")
        yield from answer
