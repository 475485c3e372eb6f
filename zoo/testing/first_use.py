"""The first use of a component under test: built, fitted and queried once, while its side effects are observed."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.stages.process_state import ProcessState
from zoo.testing.data import World
from zoo.testing.variants import fingerprint


@dataclass(frozen=True, eq=False)
class FirstUse:
    """A fitted component, its first output, and its side effects.

    Attributes:
        part: The fitted instance.
        answer: Its output as a matrix; None if it cannot be one.
        error: The error of the query; None if it returned.
        printed: What it wrote to `sys.stdout`.
        bypassed: What it wrote to the standard output of the process without `sys.stdout`.
        files: The files that it left in the working directory.
        opened: The files that it left open.
        threads: How many threads it left running.
        state: What it changed in the process, by the attribute of `ProcessState`.
        generators: The global random generators that it seeded or drew from.
        data_changed: Whether it wrote into the data.
        lists_changed: Whether it wrote into the candidate lists.
    """

    part: Any
    answer: Tensor | None
    error: BaseException | None
    printed: str
    bypassed: str
    files: list[str]
    opened: list[str]
    threads: int
    state: dict[str, str]
    generators: list[str]
    data_changed: bool
    lists_changed: bool


def observe_first_use(
    world: World, fit: Callable[[], Any], ask: Callable[[Any], Any], as_matrix: Callable[[Any], Tensor]
) -> FirstUse:
    """Fit and query a component in an empty working directory, and return what it did besides.

    Args:
        world: The data that it gets.
        fit: Builds and fits an instance.
        ask: Queries it.
        as_matrix: Turns its output into a matrix.
    """
    before = [fingerprint(world, lists=lists) for lists in (False, True)]
    opened, threads, home = _open_files(), threading.active_count(), Path.cwd()
    answer: Tensor | None = None
    error: BaseException | None = None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with _standard_output() as bypassed, redirect_stdout(StringIO()) as printed, global_randomness(1234):
                state, generators = ProcessState.now(), _global_state()
                try:
                    part = fit()
                    with torch.inference_mode():
                        try:
                            raw = ask(part)
                        except (Exception, SystemExit) as problem:  # a component may raise anything
                            error = problem
                        else:
                            answer = _matrix_or_none(as_matrix, raw)
                finally:
                    changed = state.restore()
                moved = [name for name, value in _global_state().items() if value != generators[name]]
            files = sorted(path.name for path in Path(folder).iterdir())
        finally:
            os.chdir(home)
    after = [fingerprint(world, lists=lists) for lists in (False, True)]
    return FirstUse(
        part, answer, error, printed.getvalue(), bypassed[0], files, sorted(_open_files() - opened),
        threading.active_count() - threads, changed, moved, before[0] != after[0], before[1] != after[1],
    )  # fmt: skip


def _matrix_or_none(as_matrix: Callable[[Any], Tensor], raw: Any) -> Tensor | None:
    """Return an output as a matrix, or None if it has another type."""
    try:
        return as_matrix(raw)
    except (Exception, SystemExit):  # `shape` reports it
        return None


@contextmanager
def _standard_output() -> Iterator[list[str]]:
    """Collect what is written to the file descriptor of the standard output, as one text at the end."""
    found = [""]
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield found
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            found[0] = file.read().decode(errors="replace")


def _open_files() -> set[str]:
    """Return the paths of the files that the process has open; none where the system does not tell."""
    folder, found = Path("/proc/self/fd"), set[str]()
    for link in folder.iterdir() if folder.exists() else ():
        with suppress(OSError):  # the handle of the folder itself is closed again
            path = Path(link.readlink())
            if path.is_file():
                found.add(str(path))
    return found


def _global_state() -> dict[str, object]:
    """Return the state of the global random generators."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    numpy_state = (name, np.asarray(keys).tobytes(), *rest)
    return {"torch": torch.get_rng_state().numpy().tobytes(), "numpy": numpy_state, "random": random.getstate()}


@contextmanager
def global_randomness(seed: int) -> Iterator[None]:
    """Seed every global source of random numbers for a block of code, and restore them."""
    kept = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])
