"""The hooks that a plugin may implement; the whole door between the core and the plugins."""

from typing import Any

import pluggy

from zoo.spec import ComponentSpec

hookspec = pluggy.HookspecMarker("shopzoo")
hookimpl = pluggy.HookimplMarker("shopzoo")


@hookspec
def zoo_components() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Return the components that the plugin provides. Cheap and pure: import nothing heavy here."""


@hookspec
def zoo_callbacks(run: Any) -> list[Any]:  # type: ignore[empty-body]
    """Return Lightning callbacks to add to a training run (trackers, profilers)."""
