"""The number of torch's threads: set for a benchmark, and named if a folder has runs of another number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

MOST = 256
"""The largest number of threads of an interrupted fit that is looked for."""


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Use a number of torch's threads in a block, and the number of before after it; None uses the number of the process."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count:
            torch.set_num_threads(before)


def describe_other_runs(
    folder: Path, counts: Collection[int], to_do: Sequence[str], keys_with: Callable[[int], Sequence[str]]
) -> str:
    """Return which runs of a folder differ from those to do in the number of threads only; an empty string if none.

    Args:
        folder: The folder of the benchmark.
        counts: The numbers of threads of the runs in it.
        to_do: The keys of the runs that are not finished.
        keys_with: Returns the keys that all runs of the experiment have with a number of threads.
    """
    used, found = torch.get_num_threads(), list[str]()
    mine = keys_with(used)
    for count in sorted(set(counts) - {used}):
        pairs = zip(mine, keys_with(count), strict=True)
        finished = [other for key, other in pairs if key in to_do and (folder / "runs" / f"{other}.json").exists()]
        if finished:
            runs = "1 run that was" if len(finished) == 1 else f"{len(finished)} runs that were"
            found.append(f"{runs} measured with {_threads(count)} (--set train.threads={count} keeps them)")
    if not found:
        return ""
    return f"{folder} has {' and '.join(found)}; this process uses {_threads(used)} and measures them again."


def describe_other_training(folder: Path, key_with: Callable[[int], str]) -> str:
    """Return that an interrupted fit in a folder differs from this one in the number of threads only; empty if there is none.

    Args:
        folder: The folder of the checkpoints, with a folder for each fit.
        key_with: Returns the name that the folder of this fit has with a number of threads.
    """
    used = torch.get_num_threads()
    if not folder.is_dir() or (folder / key_with(used)).exists():
        return ""
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    count = next((count for count in range(1, MOST + 1) if names and key_with(count) in names), None)
    if count is None:
        return ""
    return (
        f"{folder} has a training that began with {_threads(count)}; this process uses {_threads(used)} and begins anew "
        f"(--set train.threads={count} resumes it)."
    )


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"
