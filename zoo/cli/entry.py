"""The entry point of the command `zoo`: signals, closed streams, and errors of the machine, even during imports."""

import os
import sys

from zoo.cli.machine_errors import explain
from zoo.cli.signals import Signals
from zoo.tracebacks import wants_traceback

MACHINE_ERROR = 3
"""The exit code after an error of the machine: not enough memory, or output that cannot be written."""


def run() -> None:
    """Run the command line."""
    _open_closed_streams()
    signals = Signals()
    signals.install()
    try:
        from zoo.cli.main import main

        main(prog_name="zoo", obj=signals)
    except KeyboardInterrupt as error:
        _tell(f"\nzoo: {signals.sentence}{error}.")
        sys.exit(signals.exit_code)
    except (MemoryError, ImportError, OSError, RuntimeError) as error:
        sentence = explain(error)
        if sentence is None or wants_traceback():
            raise
        _tell(f"zoo: {sentence}")
        _discard_output()
        sys.exit(MACHINE_ERROR)
    finally:
        signals.restore()


def _open_closed_streams() -> None:
    """Open streams that the caller has closed (`>&-`), so that no file of ours gets their number and their output."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (open until the process ends)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _tell(line: str) -> None:
    """Write a line to stderr, if it can be written."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, or a terminal that is gone
        pass


def _discard_output() -> None:
    """Discard what is left in the buffers, which Python would try to write again at exit, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
