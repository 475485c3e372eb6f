"""Public names imported at first use, so that importing a package imports nothing heavy.

A public module is one table. Type checkers and editors read the stub beside it, which lists the same names:

    __getattr__, __dir__, __all__ = lazy_names(__name__, {"ItemTable": "zoo.nn.items", "top_k": "zoo.nn.topk"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from zoo.version import __version__


def lazy_names(
    module: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a module whose public names are defined elsewhere.

    Args:
        module: The public module's own name, for the error about an unknown name.
        names: Each public name, and the module that defines it.
    """

    def import_name(name: str) -> Any:
        """Import a public name at its first use."""
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}{_advice(name, names)}")
        return getattr(import_module(names[name]), name)

    def list_names() -> list[str]:
        """Return the public names, including those not imported yet."""
        return sorted(names)

    return import_name, list_names, sorted(names)


def _advice(name: str, names: Mapping[str, str]) -> str:
    """Return the nearest public name, and what to do if a newer version has this one."""
    if name.startswith("_"):  # the interpreter and editors look for such names, and no version has them
        return ""
    near = get_close_matches(name, names, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f".{meant} If a newer version of shopzoo has the name (this is {__version__}), update shopzoo: pip install -U shopzoo"
