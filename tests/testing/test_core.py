"""Every component of the core passes the conformance checks."""

import pytest

import zoo.builtin
from zoo.testing import Case, conformance


@pytest.mark.parametrize("case", conformance(zoo.builtin), ids=str)
def test_conformance(case: Case) -> None:
    case()
