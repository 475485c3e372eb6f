"""Check the file of an index before usearch reads it, which trusts its numbers: each of them must lead to a place in the file.

Version 2 of the format: the vectors (number of rows and of bytes in a row, uint32; then the rows), a header of 64 bytes, five uint64
(nodes, connectivity, connectivity of the lowest level, highest level, first node of a search), the level of each node (int16), and the
nodes. A node has its key (uint64), its level (int16), and for each level the number of its neighbours and their slots (uint32).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEADER, HIGHEST, CHUNK = 64, 64, 2**16
"""Bytes of the header, the highest level that is plausible, and nodes that are checked at once."""
COUNTS = slice(17, 41)
"""The place of the counts in the header: present and deleted vectors, and the width; what comes before says the types."""


def check_index(content: bytes, empty: bytes, dim: int, connectivity: int, n_items: int) -> None:
    """Refuse a file that is not an index of float16 vectors with item numbers as keys.

    Args:
        content: The content of the file.
        empty: The content of a file of an empty index with the same settings, as the installed usearch writes it.
        dim: The width of the vectors.
        connectivity: The most neighbours of a node on a level; on the lowest level, twice as many.
        n_items: The number of items, with padding.

    Raises:
        ValueError: It is not; the message says what was found.
    """
    data = np.frombuffer(content, np.uint8)
    rows, width = (int(value) for value in _take(data, 0, 2, "<u4"))
    if not 0 < rows < n_items or width != 2 * dim:
        raise ValueError(
            f"expected vectors of {2 * dim} bytes of at most {n_items - 1:,} items, found {rows:,} of {width}"
        )
    values = _take(data, 8, rows * dim, "<f2")
    if not all(np.isfinite(values[at : at + CHUNK * dim]).all() for at in range(0, len(values), CHUNK * dim)):
        raise ValueError("expected finite vectors, found others")
    at = 8 + rows * width
    _check_header(_take(data, at, HEADER, "u1").tobytes(), empty[8 : 8 + HEADER], (rows, 0, dim))
    core = [int(value) for value in _take(data, at + HEADER, 5, "<u8")]
    levels = _take(data, at + HEADER + 40, rows, "<i2").astype(np.int64)
    if levels.min() < 0 or levels.max() > HIGHEST:
        raise ValueError(f"expected levels from 0 to {HIGHEST}, found {levels.min()} to {levels.max()}")
    if (
        core[:4] != [rows, connectivity, 2 * connectivity, levels.max()]
        or core[4] >= rows
        or levels[core[4]] != core[3]
    ):
        raise ValueError(f"expected the sizes of a graph of {rows:,} nodes, found {core}")
    _check_nodes(data[at + HEADER + 40 + 2 * rows :], levels, connectivity, n_items)


def _take(data: NDArray[np.uint8], start: int, n: int, kind: str) -> NDArray[np.generic]:
    """Return N numbers of the file.

    Raises:
        ValueError: The file is shorter.
    """
    end = start + n * np.dtype(kind).itemsize
    if end > len(data):
        raise ValueError(f"expected at least {end:,} bytes, found {len(data):,}")
    return data[start:end].view(kind) if start % np.dtype(kind).itemsize == 0 else data[start:end].copy().view(kind)


def _check_header(found: bytes, empty: bytes, counts: tuple[int, ...]) -> None:
    """Refuse a header of another kind of index, or with other counts."""
    same = [slice(0, 9), slice(13, COUNTS.start), slice(COUNTS.stop, HEADER)]  # between them are the minor versions
    if any(found[part] != empty[part] for part in same):
        raise ValueError("expected the header of an index of inner products of float16 vectors, found another")
    if tuple(np.frombuffer(found[COUNTS], "<u8").tolist()) != counts:
        raise ValueError(f"expected the counts {counts}, found {tuple(np.frombuffer(found[COUNTS], '<u8').tolist())}")


def _check_nodes(data: NDArray[np.uint8], levels: NDArray[np.int64], connectivity: int, n_items: int) -> None:
    """Refuse nodes whose neighbours or keys are out of range, or that do not fill the rest of the file."""
    lowest, higher = 4 + 8 * connectivity, 4 + 4 * connectivity
    ends = np.cumsum(10 + lowest + higher * levels)
    if ends[-1] != len(data):
        raise ValueError(f"expected nodes of {ends[-1]:,} bytes, found {len(data):,}")
    starts = ends - (10 + lowest + higher * levels)
    seen = np.zeros(n_items, np.bool_)
    for at in range(0, len(levels), CHUNK):
        some = starts[at : at + CHUNK]
        head = data[some[:, None] + np.arange(10)]
        keys = np.ascontiguousarray(head[:, :8]).view("<u8")[:, 0]
        if keys.min() < 1 or keys.max() >= n_items:
            raise ValueError(f"expected keys from 1 to {n_items - 1:,}, found {keys.min()} to {keys.max()}")
        if len(np.unique(keys)) < len(keys) or seen[keys].any():
            raise ValueError("expected different keys, found one twice")
        seen[keys] = True
        if (np.ascontiguousarray(head[:, 8:]).view("<i2")[:, 0] != levels[at : at + CHUNK]).any():
            raise ValueError("expected the same levels in the nodes as before them, found others")
        for level in range(int(levels[at : at + CHUNK].max()) + 1):
            there = some[levels[at : at + CHUNK] >= level] + 10 + (lowest + (level - 1) * higher if level else 0)
            _check_neighbours(data, there, 2 * connectivity if level == 0 else connectivity, level, levels)


def _check_neighbours(
    data: NDArray[np.uint8], starts: NDArray[np.int64], most: int, level: int, levels: NDArray[np.int64]
) -> None:
    """Refuse lists of neighbours that are too long, or that lead to a node that is not on this level."""
    lists = np.ascontiguousarray(data[starts[:, None] + np.arange(4 + 4 * most)]).view("<u4")
    counts, used = lists[:, 0], np.arange(most) < lists[:, :1]
    if counts.max() > most:
        raise ValueError(f"expected at most {most} neighbours, found {counts.max()}")
    slots = lists[:, 1:][used]
    if len(slots) and (slots.max() >= len(levels) or (levels[slots] < level).any()):
        raise ValueError(f"expected neighbours among the nodes of level {level}, found others")
