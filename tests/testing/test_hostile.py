"""The kit finds wrong components that were written without its checks in mind, each by the check that fits."""

import importlib

import pytest

from zoo.testing import conformance


@pytest.fixture
def hostile(install):
    """Return the module of the plugin, and its components with the checks that apply to each."""
    install("hostile")
    module = importlib.import_module("fixture_hostile")
    cases = {}
    for case in conformance(module):
        cases.setdefault((case.subject.stage, case.subject.name), {})[case.check.name] = case
    return module, cases


def test_the_fitting_check_finds_nearly_all_of_them(hostile):
    module, cases = hostile
    expected = {
        (stage, module.name_of(target)): check
        for stage, checks in module.EXPECTED.items()
        for check, targets in checks.items()
        for target in targets.split()
    }
    assert len(expected) == len(cases) >= 60
    missed = {
        (*key, check): (cases[key][check].result() if check in cases[key] else "does not apply")
        for key, check in expected.items()
        if check not in cases[key] or cases[key][check].result().outcome != "failed"
    }
    assert missed == {}
