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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.config.chosen import Chosen
from zoo.config.resolved import BaseResolvedExperiment, ResolvedExperiment
from zoo.errors import ConfigError, ResourceError, TrainingError
from zoo.spec import MODEL_KEYS

LISTS = "lists.parquet"
"""The file in which the process of a run writes its lists; its row comes through the pipe, and is stored by this process only."""
POLL_SECONDS = 0.5
"""How often to look whether the process has ended, where it left its pipe to another process."""


@dataclass(frozen=True)
class Isolation:
    """The limits of each run's process.

    Attributes:
        memory: The most memory that each process of a run may allocate, in GiB; None for no limit.
        minutes: The most minutes of a run, with the time to start and to read the data; None for no limit.
    """

    memory: float | None = None
    minutes: float | None = None

    @classmethod
    def of(cls, *, isolate: bool, memory: float | None, minutes: float | None) -> Isolation | None:
        """Return the limits that a user asked for, or None to run everything in this process.

        Raises:
            ConfigError: A limit is not positive, has no process to apply to, or cannot be set on this system.
        """
        for name, value in (("memory", memory), ("time", minutes)):
            if value is not None and not isolate:
                raise ConfigError(
                    f"--{name} {value:g} limits the processes of --isolate, which is not set. Add --isolate (in Python, "
                    f"isolate=True), or remove --{name}."
                )
            if value is not None and not value > 0:
                raise ConfigError(f"--{name}: expected a number greater than 0, found {value:g}.")
        if isolate and os.name != "posix":
            raise ConfigError(
                f"--isolate needs Linux or macOS, and this system is {sys.platform}. Remove it (in Python, isolate=True)."
            )
        if memory is not None and not sys.platform.startswith("linux"):
            raise ConfigError(f"--memory needs Linux, and this system is {sys.platform}. Remove it.")
        return cls(memory, minutes) if isolate else None

    def run(
        self,
        experiment: BaseResolvedExperiment,
        key: str,
        *,
        training: Path,
        results: Path,
        artifact: Path | None,
        progress: Progress,
    ) -> tuple[Row, pa.Table | None]:
        """Run one row in a process of its own.

        Args:
            experiment: The experiment.
            key: The key of the run.
            training: Folder for checkpoints and logs.
            results: Folder of the benchmark, which has the searches and the cached fits.
            artifact: Where to save the artifact, or None.
            progress: Receives the phases of the run.

        Returns:
            The row, which has the model's error if it raised one, and the lists.

        Raises:
            TrainingError: The process ended without a result, or took too long.
            ResourceError: The process needs more memory than it may allocate.
        """
        with TemporaryDirectory(prefix="zoo-") as name:
            out = Path(name)
            request = {
                "experiment": experiment_table(experiment),
                "plugins": [str(p.module.__file__) for p in experiment.registry.plugins if p.is_file],
                "key": key,
                "threads": torch.get_num_threads(),
                "memory": self.memory,
                "training": str(training),
                "results": str(results),
                "artifact": None if artifact is None else str(artifact),
                "out": str(out),
            }
            code, answer = _run_process(request, self.minutes, progress)
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


def experiment_table(experiment: BaseResolvedExperiment) -> dict[str, Any]:
    """Return the content of a file that resolves to the same experiment, with the same plugins and from the same folder."""
    plain = experiment.experiment.model_dump(mode="json")
    # A search keeps what a file sets, so only that is written.
    plain["train"] = experiment.train.model_dump(mode="json", exclude_unset=True)
    logger = experiment.train.logger  # not part of the dump, because no result depends on it
    plain["train"]["logger"] = logger if logger is None or isinstance(logger, str) else logger.model_dump(mode="json")
    plain["data"]["source"] = _component_table(experiment.source)
    plain["evaluate"]["metrics"] = [_component_table(metric) for metric in experiment.metrics]
    if isinstance(experiment, ResolvedExperiment):
        plain["data"]["clean"] = [_component_table(cleaner) for cleaner in experiment.cleaners]
        plain["evaluate"]["features"] = [_component_table(featurizer) for featurizer in experiment.metric_features]
    for table, model in zip(plain["model"], experiment.models, strict=True):
        table["label"] = model.label
        for stage, key in MODEL_KEYS.items():
            if key in table:
                found = [_component_table(part) for part in model.parts if part.component.spec.stage == stage]
                table[key] = found[0] if stage == "predictor" else found
    hidden: dict[str, Any] = experiment.variables.hide(plain)  # the process of the run expands them itself
    return hidden


def _component_table(chosen: Chosen) -> dict[str, Any]:
    """Return name and parameters of a component under the names that a file uses."""
    return {
        "name": chosen.component.qualified_name,
        **chosen.params.model_dump(mode="json", by_alias=True, exclude_unset=True),
    }


def _run_process(
    request: dict[str, Any], minutes: float | None, progress: Progress
) -> tuple[int | None, dict[str, Any]]:
    """Run a process to its end; return its exit code (None if it took too long and was ended) and its answer."""
    reader, writer = os.pipe()
    # The run does not find modules in the working directory that this process does not find.
    command = [sys.executable, "-P", "-X", "faulthandler", "-m", "zoo.benchmark.isolated_run", str(writer)]
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
        return _follow(process, reader, deadline, progress)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what the run started, and everything after Ctrl-C
        process.wait()
        os.close(reader)
        with suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]


def _follow(
    process: subprocess.Popen[bytes], reader: int, deadline: float | None, progress: Progress
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
            if deadline is not None and time.monotonic() >= deadline:
                return None, {}
