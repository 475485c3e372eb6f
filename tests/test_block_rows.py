"""How many queries candidate generation scores at a time."""

import pytest

from zoo.pipeline.block_rows import COPIES, block_rows

GIB = 2**30


def no_reading():
    raise AssertionError("the memory was read")


@pytest.mark.parametrize(("width", "rows"), [(2, 1024), (2049, 1023), (30_000, 69), (100_000, 64), (500_000, 64)])
def test_small_blocks_do_not_depend_on_the_memory(width, rows):
    assert block_rows(width, no_reading) == rows


@pytest.mark.parametrize(
    ("width", "free", "rows"),
    [(1_000_001, 16 * GIB, 64), (1_000_001, GIB, 33), (10_000_001, 16 * GIB, 53), (10_000_001, GIB // 8, 1)],
)
def test_blocks_of_a_large_catalogue_fit_the_memory(width, free, rows):
    assert block_rows(width, lambda: free) == rows
    assert rows == 1 or COPIES * 4 * width * rows <= free
