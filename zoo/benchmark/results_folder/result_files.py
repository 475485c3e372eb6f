"""Write the files of a benchmark folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.atomic import write_atomically
from zoo.errors import ResultsError


@contextmanager
def writing(final: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it is renamed to the file, on failure removed.

    Raises:
        ResultsError: The file cannot be written.
    """
    try:
        with write_atomically(final) as temporary:
            yield temporary
    except OSError as error:
        raise ResultsError(
            f"{final} cannot be written: {error.strerror or error}. Finished runs are kept: "
            "free some space or choose another folder, then run the same command again to resume."
        ) from error
