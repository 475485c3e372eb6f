"""Every component of the plugin passes the conformance checks."""

import pytest
import shopzoo_cleaning

from zoo.testing import Case, conformance


@pytest.mark.parametrize("case", conformance(shopzoo_cleaning), ids=str)
def test_conformance(case: Case) -> None:
    case()
