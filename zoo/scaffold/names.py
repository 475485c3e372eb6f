"""Derive and validate the names of a new plugin, before any file is written."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec

from zoo import api
from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.spec import StageName

_USED = {*dir(api), "Encoder", "Tensor"}
"""Names that a class of a template would shadow."""


@dataclass(frozen=True)
class Names:
    """The names of a plugin and its parts.

    Attributes:
        name: The name of the component and of the distribution, such as `my-model`.
        module: The name of the module, such as `my_model`.
        class_name: The name of the class, such as `MyModel`.
    """

    name: str
    module: str
    class_name: str


def derive_names(name: str, stage: StageName, registry: Registry, *, inside: bool = False) -> Names:
    """Return the names of a new component.

    Args:
        name: The component's name.
        stage: Its stage.
        registry: The installed plugins, whose names are taken.
        inside: Whether the component is added to an existing package, so that its module is not a top-level one.

    Raises:
        ScaffoldError: The name is invalid or taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ScaffoldError(
            f"{name!r} is not a valid component name: expected lower-case letters and digits, a letter first, words joined by "
            f"hyphens.{_suggest_name(name)}"
        )
    names = Names(name, name.replace("-", "_"), "".join(word.capitalize() for word in name.split("-")))
    _check_component(names, stage, registry)
    if keyword.iskeyword(names.module) or (not inside and names.module in sys.stdlib_module_names):
        raise ScaffoldError(
            f"{name!r}: its module would be {names.module!r}, a Python keyword or standard library module. Choose another name."
        )
    if not inside:
        _check_module(names, registry)
    return names


def _suggest_name(name: str) -> str:
    """Return a sentence with the nearest valid name, or with an example."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    near = re.sub(r"[^a-z0-9]+", "-", apart.lower()).strip("-0123456789")
    return f" Did you mean {near!r}?" if near else " E.g. 'my-model'."


def _check_component(names: Names, stage: StageName, registry: Registry) -> None:
    """Check that the component and class names do not conflict with existing ones.

    Raises:
        ScaffoldError: A name is taken; the message says by what.
    """
    name, class_name = names.name, names.class_name
    owner = next((c for c in registry.components(stage) if name in c.names), None)
    if owner is not None:
        raise ScaffoldError(
            f"{name!r}: the plugin {owner.plugin.distribution} has a {stage} of this name. Choose another name, or "
            "uninstall it."
        )
    if taken := sorted({class_name, f"{class_name}Params"} & _USED):
        raise ScaffoldError(
            f"{name!r}: its class would be {taken[0]!r}, a name that plugins import. Choose another name."
        )


def _check_module(names: Names, registry: Registry) -> None:
    """Check that the names of the module and the distribution are free.

    Raises:
        ScaffoldError: A name is taken; the message says by what.
    """
    name, module = names.name, names.module
    found = find_spec(module)
    if found is not None and found.origin is not None:  # a folder of that name without modules has no origin
        raise ScaffoldError(
            f"{name!r}: the module {module!r} is already installed ({found.origin}). Choose another name."
        )
    if any(distributions(name=name)) or any(name == plugin.name for plugin in registry.plugins):
        raise ScaffoldError(
            f"{name!r}: a distribution or plugin of this name is already installed. Choose another name."
        )
