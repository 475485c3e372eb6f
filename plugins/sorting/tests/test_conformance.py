"""Every component of the plugin passes the conformance checks."""

import pytest
import shopzoo_sorting

from zoo.testing import Case, conformance


@pytest.mark.parametrize("case", conformance(shopzoo_sorting), ids=str)
def test_conformance(case: Case) -> None:
    case()
