"""The process of one run of a benchmark: `python -m zoo.benchmark.executors.isolated_run FD`, started by `zoo.benchmark.executors.isolation`.

It reads a request from stdin, writes progress and its row as JSON lines to the pipe FD, and its lists to a file.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

GIB = 2**30


def main() -> None:
    """Run what the request on stdin asks for."""
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # if the memory of the machine is full, the kernel ends this process, not its parent
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if request["memory"] is not None:
        import resource  # Windows does not have it; the limit is refused there before a process is started

        limit = int(request["memory"] * GIB)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with os.fdopen(pipe, "w", encoding="utf-8", buffering=1) as progress:
        try:
            _run(request, progress)
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            from zoo.errors import ZooError

            text = str(error) if isinstance(error, ZooError) else explain(error, request["memory"])
            _tell(progress, error=text, memory=isinstance(error, MemoryError))


def _run(request: dict[str, Any], pipe: TextIO) -> None:
    """Run one row and write it."""
    import pyarrow.parquet as pq

    from zoo.benchmark.executors.isolation import LISTS
    from zoo.benchmark.executors.worker import perform_run
    from zoo.benchmark.progress import Progress

    class PipedProgress(Progress):
        """Writes the phases of the run to the pipe."""

        def phase(self, *arguments: Any, **more: Any) -> None:
            """Write one event."""
            _tell(pipe, phase=arguments, more=more)

        def searched(self, search: dict[str, Any]) -> None:
            """Write the result of a search."""
            _tell(pipe, searched=search)

    row, lists = perform_run(request, PipedProgress(), lambda error: explain(error, request["memory"]))
    if lists is not None:
        pq.write_table(lists, Path(request["out"]) / LISTS)
    _tell(pipe, row=asdict(row))


def explain(error: BaseException, memory: float | None) -> str:
    """Return the text of an error, which says if a limit of memory is the cause."""
    from zoo.registry.plugin import describe_error

    text = describe_error(error)
    lacks_memory = isinstance(error, MemoryError) or ("llocat" in str(error) and "memory" in str(error))
    if memory is None or not lacks_memory:
        return text
    return f"the run needs more memory than the limit of {memory:g} GiB (--memory): {text}"


def _tell(pipe: TextIO, **message: Any) -> None:
    """Write a message to the parent."""
    pipe.write(json.dumps(message) + "\n")


def _end_with_parent() -> None:
    """Wait until the parent has gone, and end this process and all that it started."""
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
