"""ShopZoo: a pluggable model zoo for e-commerce recommendation. Importing it imports nothing heavy."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.version import __version__

if TYPE_CHECKING:
    from zoo.artifacts.saving import load_artifact as load_artifact
    from zoo.benchmark.runner import bench as bench
    from zoo.registry.registry import load as load

_LAZY = {"bench": "zoo.benchmark.runner", "load": "zoo.registry.registry", "load_artifact": "zoo.artifacts.saving"}

__all__ = ["__version__", "bench", "load", "load_artifact"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """Return the public names, those not yet imported among them."""
    return __all__
