"""Write files that are composed from others, while another process may change those."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


def write_consistently(sources: Callable[[], Iterable[Path]], write: Callable[[], None]) -> None:
    """Write files that are composed from others, and again if those changed in the meantime.

    It needs no lock: if two processes compose the same files and one of them read older sources, that process finds the
    change after it has written, and writes again. So the files follow from the sources at the end, whoever writes last.

    Args:
        sources: Returns the files to compose from; each is replaced as a whole when it changes.
        write: Reads the sources and writes the composed files.
    """
    before = _state(sources())
    while True:
        write()
        after = _state(sources())
        if after == before:
            return
        before = after


def _state(files: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    """Return what differs between two versions of a file, for each file that exists."""
    state = {}
    for file in files:
        with suppress(FileNotFoundError):
            found = file.stat()
            state[file] = (found.st_mtime_ns, found.st_ino, found.st_size)
    return state
