"""What changed since a run of the same name in the folder: its settings, its code, or how it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST = 5
"""Changed settings that are named."""


def describe_change(stored: Mapping[str, Any], model: dict[str, Any], versions: Mapping[str, str], threads: int) -> str:
    """Return what differs between a stored run and a new one of the same name, as a noun phrase.

    The data and the rules of evaluation are the same: a folder holds results of one task.

    Args:
        stored: The row of the stored run.
        model: The resolved model of the new run.
        versions: The versions of the core and of the plugins that the new run uses.
        threads: The number of threads of the new run.
    """
    parts = []
    if settings := list(dict.fromkeys(differing_paths(stored.get("model"), model))):
        more = f" and {len(settings) - MOST} more" if len(settings) > MOST else ""
        parts.append(f"{', '.join(settings[:MOST])}{more}")
    before = stored.get("versions")
    known = before if isinstance(before, dict) else {}
    parts += [
        f"{'the code' if _is_same_version(str(known.get(name)), version) else 'the version'} of {name}"
        for name, version in versions.items()
        if known.get(name) != version
    ]
    machine = stored.get("machine")
    if isinstance(machine, dict) and machine.get("threads", threads) != threads:
        parts.append(f"the number of threads ({machine['threads']}, now {threads})")
    return " and ".join(parts) or "train.device or evaluate.bootstrap"


def _is_same_version(before: str, now: str) -> bool:
    """Return whether two versions differ only in the hash of the source."""
    return before.partition("+")[0] == now.partition("+")[0]


def differing_paths(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """Yield the paths in which two JSON values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            yield from differing_paths(before.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (old, new) in enumerate(zip(before, now, strict=True), 1):
            yield from differing_paths(old, new, f"{where}[{i}]")
    elif before != now:
        yield where or "the model"
