"""The conformance kit: checks that a component is correct, free of data leakage, and portable.

The whole conformance test of a plugin:

    import pytest
    import my_plugin

    from zoo.testing import conformance


    @pytest.mark.parametrize("case", conformance(my_plugin), ids=str)
    def test_conformance(case):
        case()

`zoo plugin check NAME` runs the same checks without pytest.
"""

from zoo.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Case": "zoo.testing.cases",
        "CheckFailedError": "zoo.testing.requirement",
        "Result": "zoo.testing.cases",
        "conformance": "zoo.testing.cases",
    },
)
