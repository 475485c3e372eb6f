"""The kit against components that are wrong in one way each: every check has one, which fails it and nothing else."""

import importlib
from collections import defaultdict

import pytest
import torch

from zoo.testing import conformance
from zoo.testing.all_checks import CHECKS
from zoo.testing.checks import device, metadata

NAMES = sorted((check.name for check in CHECKS), key=len, reverse=True)

NETWORKS = ("loss-falls", "gradients", "epochs", "epochs-not-validated", "causality", "padding-content")
IN_A_FRESH_PROCESS = ("fresh-process", "light-import", "import-time")


def named_after(component):
    """Return the check that a component is named after, the longest that its name begins with."""
    return next(name for name in NAMES if component == name or component.startswith(f"{name}-"))


def concerns(case):
    """Return whether a component that is wrong in one way is held to a check, so that the test does not take long.

    The good ones are held to every check. A component that is wrong in its metadata is otherwise like a good one. A wrong
    network, whose fits take longest, is held to the checks of its training and of what it leaves behind.
    """
    name, theme = case.subject.name, case.check.theme
    if name.startswith("good-"):
        return True
    if next(check.theme for check in CHECKS if check.name == named_after(name)) == "metadata":
        return theme in ("metadata", "construction", "tables_and_metrics")
    return name not in NETWORKS or theme in ("metadata", "construction", "fitting", "process", "causality")


def failures(plugin, *, without=()):
    """Return the checks that each component of a plugin fails."""
    found = defaultdict(set)
    for case in conformance(plugin):
        failed = found[case.subject.stage, case.subject.name]
        if case.check.name not in without and concerns(case):
            failed |= {case.check.name} if case.result().outcome == "failed" else set()
    # An artifact answers a query before it is used, so one with wrong answers does not come back in a fresh process either.
    return {component: failed - {"fresh-process"} or failed for component, failed in found.items()}


@pytest.fixture
def another_device(monkeypatch):
    """Make the kit believe that the CPU has a number, which some component takes for another device."""
    monkeypatch.setattr(device, "other_devices", lambda: [torch.device("cpu", 0)])


@pytest.fixture
def all_failures(install, another_device):
    names = ("wrong", "heavy", "unlicensed", "importing", "pickling")
    install(*names)
    found = {}
    for name in names:
        without = () if name in ("wrong", "heavy") else IN_A_FRESH_PROCESS
        found |= failures(importlib.import_module(f"fixture_{name.replace('-', '_')}"), without=without)
    return found


@pytest.mark.robust
def test_each_wrong_component_fails_its_check_and_no_other(all_failures):
    expected = {
        (stage, name): set() if name.startswith("good-") else {named_after(name)} for stage, name in all_failures
    }
    assert all_failures == expected
    assert {check.name for check in CHECKS} - {"import-time"} == set().union(*all_failures.values())


@pytest.mark.robust
def test_a_slow_import_fails_its_check_and_no_other(install, monkeypatch):
    monkeypatch.setattr(metadata, "IMPORT_SECONDS", 0.2)
    install("slow-import")
    assert failures(importlib.import_module("fixture_slow_import")) == {("dataset", "import-time"): {"import-time"}}
