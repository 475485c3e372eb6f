"""Global state of the process that a run must not change: compared after the run, named and restored."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import torch

LIBRARIES = (
    "KMP_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_", "CUBLAS_", "NCCL_", "GLOO_", "TORCH", "PYTORCH_", "PL_", "LIGHTNING_",
    "TOKENIZERS_", "HF_", "MASTER_", "LOCAL_",
)  # fmt: skip
"""Prefixes of environment variables that libraries set when they are first used; these are left as they are."""
RANKS = {"NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "RANK"}
"""Further such variables, by their full names."""


@dataclass(frozen=True, eq=False)
class ProcessState:
    """Global state that a component can change, and that changes what the next run computes or prints.

    Attributes:
        dtype: torch's default type of floating-point numbers.
        device: torch's default device.
        grad: Whether torch records gradients.
        deterministic: Whether torch uses deterministic algorithms only.
        warns: Whether torch then only warns of algorithms that are not deterministic.
        precision: torch's precision of products of float32 matrices.
        threads: The number of torch's threads.
        folder: The working directory; None if it no longer exists.
        stdout: The standard output.
        stderr: The standard error.
        environment: The environment variables.
    """

    dtype: torch.dtype
    device: torch.device
    grad: bool
    deterministic: bool
    warns: bool
    precision: str
    threads: int
    folder: Path | None
    stdout: TextIO
    stderr: TextIO
    environment: dict[str, str]

    @classmethod
    def now(cls) -> ProcessState:
        """Return the current state."""
        return cls(
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.get_float32_matmul_precision(),
            torch.get_num_threads(),
            _working_directory(),
            sys.stdout,
            sys.stderr,
            {name: value for name, value in os.environ.items() if not name.startswith(LIBRARIES) and name not in RANKS},
        )

    def restore(self) -> dict[str, str]:
        """Restore the state, and return what had changed: a sentence part for each attribute."""
        after, changed = ProcessState.now(), dict[str, str]()
        if after.dtype != self.dtype:
            changed["dtype"] = f"torch's default dtype from {self.dtype} to {after.dtype}"
            torch.set_default_dtype(self.dtype)
        if after.device != self.device:
            changed["device"] = f"torch's default device from {self.device} to {after.device}"
            torch.set_default_device(self.device)
        if after.grad != self.grad:
            changed["grad"] = f"torch's grad mode from {self.grad} to {after.grad}"
            torch.set_grad_enabled(self.grad)
        if (after.deterministic, after.warns) != (self.deterministic, self.warns):
            before, found = (f"{s.deterministic}{' (warnings only)' if s.warns else ''}" for s in (self, after))
            changed["deterministic"] = f"torch's deterministic mode from {before} to {found}"
            torch.use_deterministic_algorithms(self.deterministic, warn_only=self.warns)
        if after.precision != self.precision:
            changed["precision"] = f"torch's float32 matmul precision from {self.precision} to {after.precision}"
            torch.set_float32_matmul_precision(self.precision)
        if after.threads != self.threads:
            changed["threads"] = f"the number of torch's threads from {self.threads} to {after.threads}"
            torch.set_num_threads(self.threads)
        if after.folder != self.folder and self.folder is not None:
            changed["folder"] = f"the working directory to {after.folder}"
            with suppress(OSError):
                os.chdir(self.folder)
        if after.stdout is not self.stdout:
            changed["stdout"] = "sys.stdout"
            sys.stdout = self.stdout
        if after.stderr is not self.stderr:
            changed["stderr"] = "sys.stderr"
            sys.stderr = self.stderr
        if names := {name for name, _ in self.environment.items() ^ after.environment.items()}:
            changed["environment"] = f"the environment variables {', '.join(sorted(names))}"
            for name in names:
                os.environ.pop(name, None)
            os.environ.update({name: value for name, value in self.environment.items() if name in names})
        return changed


@contextmanager
def restored_process_state() -> Iterator[dict[str, str]]:
    """Restore the global state after a block of code; the value lists what had changed, once the block has ended."""
    before, changed = ProcessState.now(), dict[str, str]()
    try:
        yield changed
    finally:
        changed |= before.restore()


@contextmanager
def preserve_process_state(culprit: str, notes: list[str]) -> Iterator[None]:
    """Restore the global state after a run, also after one that fails, and add a note for each change.

    Args:
        culprit: What runs, for the notes.
        notes: The notes on the row of the run.
    """
    try:
        with restored_process_state() as changed:
            yield
    finally:
        notes += [f"{culprit} changed {change}; it was restored after the run" for change in changed.values()]


def _working_directory() -> Path | None:
    """Return the working directory, or None if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
