"""The kit against components that are wrong in one way each: every check has one, which fails it and nothing else."""

import importlib
from collections import defaultdict

import pytest
import torch

from zoo.testing import conformance
from zoo.testing.checks import device
from zoo.testing.themes import CHECKS

NAMES = sorted((check.name for check in CHECKS), key=len, reverse=True)


def named_after(component):
    """Return the check that a component is named after, the longest that its name begins with."""
    return next(name for name in NAMES if component == name or component.startswith(f"{name}-"))


def failures(plugin):
    """Return the checks that each component of a plugin fails."""
    found = defaultdict(set)
    for case in conformance(plugin):
        result = case.result()
        found[case.subject.stage, case.subject.name] |= {case.check.name} if result.outcome == "failed" else set()
    return dict(found)


@pytest.fixture
def another_device(monkeypatch):
    """Make the kit believe that the CPU has a number, which some component takes for another device."""
    monkeypatch.setattr(device, "other_devices", lambda: [torch.device("cpu", 0)])


@pytest.fixture
def all_failures(install, another_device):
    names = ("wrong", "heavy", "unlicensed", "importing", "pickling")
    install(*names)
    plugins = [f"fixture_{name}" for name in names]
    return {key: names for plugin in plugins for key, names in failures(importlib.import_module(plugin)).items()}


def test_each_wrong_component_fails_its_check_and_no_other(all_failures):
    expected = {
        (stage, name): set() if name.startswith("good-") else {named_after(name)} for stage, name in all_failures
    }
    assert all_failures == expected
    assert {check.name for check in CHECKS} == set().union(*all_failures.values())
