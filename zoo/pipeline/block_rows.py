"""How many queries candidate generation scores at a time."""

from __future__ import annotations

from collections.abc import Callable

from zoo.machine_memory import available_memory

BLOCK_BYTES, FEWEST, MOST = 2**23, 64, 1024
"""The largest score matrix of a block, in bytes: fewer and larger blocks pay the overhead of a call less often. A block has at least
`FEWEST` queries, because the vectors of all items are read for each block, and at most `MOST`."""
COPIES = 8
"""The score matrices of a block that may exist at once: scores, masks, and the copies that a predictor and the search for the best items
make."""
LITTLE = 2**30
"""Blocks that need no more bytes do not ask how much memory is available, which takes as long as a small query."""


def block_rows(width: int, free: Callable[[], int] = available_memory) -> int:
    """Return the number of queries that are scored at a time.

    Args:
        width: The number of items, I.
        free: Returns the bytes of memory that are available; they matter only where the block of a large catalogue would not fit.
    """
    rows = min(max(BLOCK_BYTES // (4 * width), FEWEST), MOST)
    needed = COPIES * 4 * width
    return rows if needed * rows <= LITTLE else max(min(rows, free() // needed), 1)
