"""Run each row of a benchmark in a process of its own, with limits of memory and time.

A row that ends its process (`os._exit`, a segmentation fault, a kill for lack of memory) fails alone: its process writes nothing
but checkpoints and cached fits, which are written atomically, and this process stores the row.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.errors import ResourceError, TrainingError

LISTS = "lists.parquet"
"""The file in which the process of a run writes its lists; its row comes through the pipe, and is stored by this process only."""
POLL_SECONDS = 0.5
"""How often to look whether the process has ended, where it left its pipe to another process."""


@dataclass(frozen=True)
class Isolation:
    """The limits of a run's process.

    Attributes:
        memory: The most memory that the process may allocate, in GiB; None for no limit.
        minutes: The most minutes of a run, with the time to start and to read the data; None for no limit.
    """

    memory: float | None = None
    minutes: float | None = None

    def run(self, request: Mapping[str, Any], progress: Progress, stop: Event) -> tuple[Row, pa.Table | None]:
        """Do a run in a process of its own.

        Args:
            request: What `perform_run` needs.
            progress: Receives the phases of the run.
            stop: Ends the process when it is set.

        Returns:
            The row, which has the model's error if it raised one, and the lists.

        Raises:
            TrainingError: The process ended without a result, or took too long.
            ResourceError: The process needs more memory than it may allocate.
        """
        with TemporaryDirectory(prefix="zoo-") as name:
            out = Path(name)
            code, answer = _run_process({**request, "memory": self.memory, "out": name}, self.minutes, progress, stop)
            if "error" in answer:
                raise (ResourceError if answer["memory"] else TrainingError)(answer["error"])
            if "row" not in answer:
                raise self._ended(code)
            return Row(**answer["row"]), pq.read_table(out / LISTS) if (out / LISTS).exists() else None

    def _ended(self, code: int | None) -> TrainingError:
        """Return the error of a process that ended without a result; without an exit code, it took too long."""
        if code is None:
            return TrainingError(f"the run took longer than {self.minutes:g} minutes (--time). Its process was ended.")
        if code >= 0:
            return TrainingError(f"the process of the run ended with exit code {code} and without a result.")
        hints = {
            signal.SIGKILL: ", as the kernel does if the memory of the machine is full",
            signal.SIGABRT: "" if self.memory is None else f", perhaps at the limit of {self.memory:g} GiB (--memory)",
        }
        name = signal.Signals(-code).name
        return TrainingError(
            f"the process of the run was ended by the signal {name}{hints.get(signal.Signals(-code), '')}."
        )


def _run_process(
    request: dict[str, Any], minutes: float | None, progress: Progress, stop: Event
) -> tuple[int | None, dict[str, Any]]:
    """Run a process to its end; return its exit code (None if it took too long or was stopped) and its answer."""
    reader, writer = os.pipe()
    # The run does not find modules in the working directory that this process does not find.
    command = [sys.executable, "-P", "-X", "faulthandler", "-m", "zoo.benchmark.executors.isolated_run", str(writer)]
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            pass_fds=[writer],
            start_new_session=True,  # so that all processes of the run can be ended together
            env={**os.environ, "PYTHONPATH": path},
        )
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # the process ended at once; its pipe stays open until the end of this one
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        return _follow(process, reader, deadline, progress, stop)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what the run started, and everything after Ctrl-C
        process.wait()
        os.close(reader)
        with suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]


def _follow(
    process: subprocess.Popen[bytes], reader: int, deadline: float | None, progress: Progress, stop: Event
) -> tuple[int | None, dict[str, Any]]:
    """Pass on the progress of a process; return its exit code (None at the deadline) and its answer, empty if it gave none."""
    left, answer, is_open = b"", dict[str, Any](), True
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        while True:
            wait = POLL_SECONDS if deadline is None else max(min(POLL_SECONDS, deadline - time.monotonic()), 0.0)
            if is_open and selector.select(wait):
                data = os.read(reader, 65536)
                is_open = bool(data)
                *lines, left = (left + data).split(b"\n")
                for message in map(json.loads, lines):
                    if "phase" in message:
                        progress.phase(*message["phase"], **message["more"])
                    elif "searched" in message:
                        progress.searched(message["searched"])
                    else:
                        answer = message
            elif not is_open:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(wait)
            if process.poll() is not None and not (is_open and selector.select(0)):
                return process.returncode, answer
            if stop.is_set() or (deadline is not None and time.monotonic() >= deadline):
                return None, {}
