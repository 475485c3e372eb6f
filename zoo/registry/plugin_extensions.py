"""Collect what a plugin adds besides components: losses, negative samplers, split policies, candidate features, executors, commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pluggy

from zoo.candidate_groups import GROUPS
from zoo.command_specs import COMMANDS, CommandSpec
from zoo.errors import PluginError
from zoo.executor_specs import EXECUTORS, ExecutorSpec
from zoo.extension_specs import CandidateFeatureSpec, SplitSpec
from zoo.loss_specs import LOSSES, LossSpec
from zoo.neural_params import NeuralParams
from zoo.sampler_specs import SAMPLERS, SamplerSpec

Spec = LossSpec | SamplerSpec | SplitSpec | CandidateFeatureSpec | ExecutorSpec | CommandSpec


@dataclass(frozen=True)
class Kind:
    """A kind of extension.

    Attributes:
        name: What `zoo list` calls it.
        hook: The hook that returns a list of them.
        spec: Their class.
        core: The names of the core's own, with a summary of each.
    """

    name: str
    hook: str
    spec: type[Any]
    core: Mapping[str, str]


POLICIES = {
    "temporal": "Cuts at moments: training before the first cut, held-out parts after it.",
    "leave-last-out": "Holds out the last unit of each user.",
    "strong-generalisation": "Holds out users, and hides a share of the events of each.",
    "given": "Reads the part of each event from a column.",
}
"""The core's split policies, with a summary of each."""
KINDS = (
    Kind("loss", "zoo_losses", LossSpec, {name: spec.summary for name, spec in LOSSES.items()}),
    Kind("sampler", "zoo_samplers", SamplerSpec, {name: spec.summary for name, spec in SAMPLERS.items()}),
    Kind("split", "zoo_splits", SplitSpec, POLICIES),
    Kind("candidate-features", "zoo_candidate_features", CandidateFeatureSpec, GROUPS),
    Kind("executor", "zoo_executors", ExecutorSpec, {name: spec.summary for name, spec in EXECUTORS.items()}),
    Kind("command", "zoo_commands", CommandSpec, COMMANDS),
)


def collect_extensions(
    manager: pluggy.PluginManager, plugin: str, provided: Mapping[tuple[str, str], str]
) -> dict[str, tuple[Any, ...]]:
    """Return the extensions of a plugin by kind.

    Args:
        manager: The plugin manager, in which the plugin is registered.
        plugin: The plugin, for messages.
        provided: The kinds and names of the extensions of other plugins, with the plugin that provides each.

    Raises:
        PluginError: A hook does not return a list of its specs, a name is taken, or an option is not a parameter.
    """
    return {kind.name: tuple(_collect(kind, manager, plugin, provided)) for kind in KINDS}


def _collect(
    kind: Kind, manager: pluggy.PluginManager, plugin: str, provided: Mapping[tuple[str, str], str]
) -> Iterator[Any]:
    """Yield the extensions of one kind."""
    about, expected = f"{kind.hook} of {plugin}", kind.spec.__name__
    taken = {
        **dict.fromkeys(kind.core, "the core"),
        **{name: by for (of, name), by in provided.items() if of == kind.name},
    }
    for implementation in getattr(manager.hook, kind.hook).get_hookimpls():
        answer = implementation.function()
        if not isinstance(answer, list | tuple):
            raise PluginError(f"{about} returned {answer!r}, expected a list of {expected}")
        for spec in answer:
            if not isinstance(spec, kind.spec):
                raise PluginError(f"{about} returned {spec!r} in its list, expected a {expected}")
            if spec.name in taken:
                what = kind.name.replace("-", " ")
                raise PluginError(
                    f"{about}: the {what} {spec.name!r} is already provided by {taken[spec.name]}: rename it"
                )
            if isinstance(spec, LossSpec):
                _check_options(spec, about)
            taken[spec.name] = "the same plugin"
            yield spec


def _check_options(loss: LossSpec, about: str) -> None:
    """Refuse a loss whose options are no parameters.

    Raises:
        PluginError: One is not.
    """
    unknown = [option for option in loss.options if option not in NeuralParams.model_fields]
    if unknown:
        raise PluginError(
            f"{about}: the loss {loss.name!r} has the options {', '.join(map(repr, unknown))}, expected names of parameters "
            "of NeuralParams, such as 'temperature'"
        )


def import_target(target: str, about: str) -> Any:
    """Import the target of a spec.

    Args:
        target: `"package.module:name"`.
        about: What it belongs to, for the message.

    Raises:
        PluginError: Its module cannot be imported, or has no such name.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # a plugin's module may raise anything
        raise PluginError(
            f"{about}: its target {target!r} cannot be imported ({type(error).__name__}: {error}). Correct the `target` of its "
            "spec, or install what its module needs."
        ) from error
