"""The memory that this process can still allocate, within its limits and those of its control groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

NO_LIMIT = 2**60
"""A control group without a limit reports a number that no machine has."""


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of main memory that this process can still allocate.

    Args:
        root: The root of the file system that describes the machine and its control groups.
    """
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        import psutil

        free = int(psutil.virtual_memory().available)
    return min([free, *_of_control_groups(root), *_of_this_process()])


def _of_this_process() -> Iterator[int]:
    """Yield the bytes that the limits of this process leave, as `ulimit -v` and `zoo bench --memory` set them."""
    try:
        import resource

        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except (ImportError, OSError):  # not Linux, which alone holds a process to these limits
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
        most, used = (int((group / name).read_text(encoding="ascii")) for name in (limit, usage))
        stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):  # no such group inside a container, or "max"
        return
    if most < NO_LIMIT:
        yield max(most - used + int(stat.get(cache, 0)), 0)
