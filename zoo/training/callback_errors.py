"""Name the callback of a plugin that fails during a training."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import pytorch_lightning as pl

from zoo.errors import PluginError, ZooError


def name_callback(error: BaseException, callbacks: Sequence[pl.Callback]) -> PluginError | None:
    """Return an error that names the callback in which an exception was raised; None if it was raised elsewhere.

    The callback is found in the traceback, as the object whose method was running, so that it needs no wrapper.

    Args:
        error: The exception of a training.
        callbacks: The callbacks of plugins.
    """
    if isinstance(error, ZooError):  # it says what to do
        return None
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if any(owner is callback for callback in callbacks):
            kind, code = type(owner), frame.f_code
            return PluginError(
                f"the callback {kind.__qualname__} of the plugin module {kind.__module__} failed in {code.co_name} "
                f"({code.co_filename}:{line}): {type(error).__name__}: {error}. Fix it, or run without the plugin: leave "
                "--plugin out, or set ZOO_DISABLE_PLUGINS."
            )
    return None
