"""What a figure was measured on."""

import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.benchmark.fits.peak_memory import peak_memory
from zoo.benchmark.machine import machine, source_version, versions


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a part of a process is known on Linux only"
)
def test_the_peak_is_that_of_the_block_and_not_of_the_process():
    with peak_memory() as large:
        np.ones(40_000_000)  # 305 MiB, gone at once
    with peak_memory() as small:
        np.ones(1_000)
    assert large.mib - small.mib > 250


def test_the_machine_and_the_versions_are_named():
    assert machine()["memory_mib"] > 0
    assert {"python", "torch", "numpy"} <= set(versions())


def test_a_module_that_is_edited_in_place_changes_its_version(tmp_path, monkeypatch):
    file = tmp_path / "edited_plugin.py"
    monkeypatch.syspath_prepend(tmp_path)
    file.write_text("x = 1\n")
    import edited_plugin

    before = source_version("edited_plugin", edited_plugin, "file")
    file.write_text("x = 2\n")
    assert before.startswith("file+")
    assert source_version("edited_plugin", edited_plugin, "file") != before
    del sys.modules["edited_plugin"]


def test_an_edit_anywhere_in_a_package_changes_its_version(tmp_path, monkeypatch):
    (tmp_path / "edited_package").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("__init__", "hooks", "model"):
        (tmp_path / "edited_package" / f"{name}.py").write_text("x = 1\n")
    from edited_package import hooks

    before = source_version("edited-package", hooks, "0")
    (tmp_path / "edited_package" / "model.py").write_text("x = 2\n")
    assert source_version("edited-package", hooks, "0") != before
    del sys.modules["edited_package"], sys.modules["edited_package.hooks"]


def test_an_installed_distribution_has_its_own_version():
    assert source_version("numpy", np, "0") == np.__version__
