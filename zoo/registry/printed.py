"""Capture what an import writes to the standard output, so that it never ends up in the output of a command."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

STDOUT = 1
"""The file descriptor of the standard output, to which compiled code and child processes write."""


LOCK = threading.RLock()
"""The standard output belongs to the whole process: two threads that capture it must do so in turn."""


class Printed:
    """What was written: complete when the block of `capture_output` has ended."""

    text: str = ""


@contextmanager
def capture_output() -> Iterator[Printed]:
    """Capture what Python code, compiled code and child processes write to the standard output within this block."""
    with LOCK:
        yield from _capture()


def _capture() -> Iterator[Printed]:
    """Capture the standard output until the generator goes on."""
    printed, written = Printed(), StringIO()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    try:
        before = os.dup(STDOUT)
    except OSError:  # the standard output is closed
        before = None
    with _open_file() as file:
        if before is not None:
            os.dup2(file.fileno(), STDOUT)
        try:
            with redirect_stdout(written):
                yield printed
        finally:
            if before is not None:
                os.dup2(before, STDOUT)
                os.close(before)
            file.seek(0)
            printed.text = written.getvalue() + file.read().decode(errors="replace")


def _open_file() -> IO[bytes]:
    """Return a temporary file; where none can be created, the null device, so that the text is lost and the command goes on."""
    try:
        return TemporaryFile()
    except OSError:
        return Path(os.devnull).open("r+b")
