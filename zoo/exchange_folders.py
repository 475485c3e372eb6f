"""Exchange two folders in one step, where the operating system and the file system can."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE, RENAME_SWAP = -100, 2, 2
"""Constants of Linux (`renameat2`) and of macOS (`renamex_np`)."""


def exchange_folders(one: Path, other: Path) -> bool:
    """Exchange the names of two folders of one file system, so that at no moment one of the names is missing.

    Returns:
        Whether they were exchanged; False if this system cannot do so.
    """
    if os.name != "posix":
        return False
    library, paths = ctypes.CDLL(None), (os.fsencode(one), os.fsencode(other))
    if hasattr(library, "renameat2"):  # Linux
        return bool(library.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE) == 0)
    if hasattr(library, "renamex_np"):  # macOS
        return bool(library.renamex_np(*paths, RENAME_SWAP) == 0)
    return False
