"""Check before a fit that the memory which its components declare is available."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from zoo.config.resolved import Chosen, ResolvedModel
from zoo.data.interactions import Interactions
from zoo.data_size import DataSize
from zoo.errors import ResourceError
from zoo.training.by_data import SMALLEST_BATCH

GIB = 2**30
NO_LIMIT = 2**60
"""A control group without a limit reports a number that no machine has."""


def size_of(log: Interactions, batch_size: int) -> DataSize:
    """Return the size of a log."""
    return DataSize(int(np.count_nonzero(log.lengths)), int(np.count_nonzero(log.known)), len(log), batch_size)


def needed_bytes(model: ResolvedModel, size: DataSize) -> tuple[Chosen, int] | None:
    """Return the component that needs the most memory to fit, and the bytes; None if no component has an estimate."""
    estimates = [(part, part.params.fit_memory(size)) for part in model.parts]
    known = [(part, needed) for part, needed in estimates if needed is not None]
    return max(known, key=lambda found: found[1], default=None)


def check_memory(model: ResolvedModel, log: Interactions, device: torch.device) -> None:
    """Check that each component of a model can be fitted in the available memory.

    Raises:
        ResourceError: A component needs more; the message says how much, and what to do.
    """
    size = size_of(log, model.train.batch_size or SMALLEST_BATCH)
    found = needed_bytes(model, size)
    if found is None:
        return
    part, needed = found
    free = available_bytes(device)
    if needed > free:
        raise ResourceError(
            f"{part.name} needs about {needed / GIB:.1f} GiB to be fitted on {size.users:,} users, {size.items:,} items and "
            f"{size.events:,} events, but {free / GIB:.1f} GiB are available on {device}. Leave out rare items (`k_core` in "
            "[data]), use a machine with more memory, or choose another model."
        )


def available_bytes(device: torch.device, root: Path = Path("/")) -> int:
    """Return the bytes that this process can still allocate on a device.

    Args:
        device: The device.
        root: The root of the file system that describes the machine and its control groups.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux: the total memory, since the free memory is unknown
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([free, *_of_control_groups(root), *_of_this_process()])


def _of_this_process() -> Iterator[int]:
    """Yield the bytes that the limits of this process leave, as `ulimit -v` and `zoo bench --memory` set them."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # not Linux, which alone holds a process to these limits
        return
    used = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmSize:", "VmData:"))}
    for kind, key in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        limit = resource.getrlimit(kind)[0]
        if limit != resource.RLIM_INFINITY and key in used:
            yield max(limit - 1024 * int(used[key]), 0)


def _of_control_groups(root: Path) -> Iterator[int]:
    """Yield the bytes that the limits of the control groups of this process leave, as in a container."""
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            top, limit, usage, cache = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, usage = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        folder = top / path.lstrip("/")
        for group in (folder, *folder.parents):
            yield from _left_of(group, limit, usage, cache)
            if group == top:
                break


def _left_of(group: Path, limit: str, usage: str, cache: str) -> Iterator[int]:
    """Yield the bytes that the limit of a control group leaves; nothing without a limit.

    Files in the cache of the kernel count as used, and are dropped when memory is needed.
    """
    try:
        most, used = int((group / limit).read_text()), int((group / usage).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such group inside a container, or "max"
        return
    if most < NO_LIMIT:
        yield max(most - used + int(stat.get(cache, 0)), 0)
