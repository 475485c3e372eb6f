"""Global state that a run changes is named and restored."""

import os

import torch

from zoo.stages.process_state import preserve_process_state, restored_process_state


def test_the_mode_of_warnings_only_is_restored():
    with restored_process_state():
        torch.use_deterministic_algorithms(True, warn_only=True)
        with restored_process_state() as changed:
            torch.use_deterministic_algorithms(True)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert changed == {"deterministic": "torch's deterministic mode from True (warnings only) to True"}


def test_the_precision_of_products_is_named_and_restored():
    before, notes = torch.get_float32_matmul_precision(), []
    other = "high" if before == "highest" else "highest"
    with preserve_process_state("a", notes):
        torch.set_float32_matmul_precision(other)
    assert torch.get_float32_matmul_precision() == before
    assert notes == [
        f"a changed torch's float32 matmul precision from {before} to {other}; it was restored after the run"
    ]


def test_only_the_variables_of_libraries_are_left(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("RANKING_DIR", raising=False)
    with restored_process_state() as changed:
        monkeypatch.setenv("RANK", "0")
        monkeypatch.setenv("RANKING_DIR", "x")
    assert changed == {"environment": "the environment variables RANKING_DIR"}
    assert "RANKING_DIR" not in os.environ
    assert os.environ["RANK"] == "0"
