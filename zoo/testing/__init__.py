"""The conformance kit: whether a component is correct, honest and portable, told by checks that anybody can run.

A plugin's whole test of it:

    import pytest
    import my_plugin

    from zoo.testing import conformance


    @pytest.mark.parametrize("case", conformance(my_plugin), ids=str)
    def test_conformance(case):
        case()

`zoo plugin check NAME` runs the same checks without pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.testing.cases import Case, conformance
    from zoo.testing.requirement import CheckFailedError

_LAZY = {"Case": "zoo.testing.cases", "CheckFailedError": "zoo.testing.requirement", "conformance": "zoo.testing.cases"}

__all__ = ["Case", "CheckFailedError", "conformance"]


def __getattr__(name: str) -> Any:
    """Import a name at its first use, so that the fresh process of the kit starts with nothing heavy in it."""
    if name not in _LAZY:
        raise AttributeError(f"module 'zoo.testing' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
