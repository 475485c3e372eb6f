"""The versions of the libraries that compute figures: recorded in each row, and named if a folder mixes several.

They are no part of the key of a run: an update of a library does not repeat a benchmark of days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from zoo.benchmark.machine import versions
from zoo.benchmark.results_folder.row import Row

LIBRARIES = ("torch", "numpy", "scipy")


def describe_other_versions(folder: Path, finished: Iterable[Row]) -> str:
    """Return which finished runs of a folder were measured with other versions of the libraries; an empty string if none.

    Args:
        folder: The folder of the benchmark.
        finished: The rows that are not measured again.
    """
    used = versions()
    groups = Counter(
        tuple((name, row.versions[name]) for name in LIBRARIES if row.versions.get(name, used[name]) != used[name])
        for row in finished
    )
    del groups[()]
    if not groups:
        return ""
    runs = " and ".join(
        f"{'1 run that was' if count == 1 else f'{count} runs that were'} measured with {_listed(group)}"
        for group, count in groups.items()
    )
    names = {name for group in groups for name, _ in group}
    here = _listed((name, used[name]) for name in LIBRARIES if name in names)
    return f"{folder} has {runs}; this process uses {here}. The finished runs are kept; to measure all with it, choose another folder."


def mixed_versions(rows: Iterable[Row]) -> str:
    """Return the libraries of which the rows used several versions, as a sentence for the report; empty if there are none."""
    seen = {name: sorted({row.versions[name] for row in rows if name in row.versions}) for name in LIBRARIES}
    mixed = "; ".join(f"{name} {', '.join(found)}" for name, found in seen.items() if len(found) > 1)
    return f"The rows were measured with several versions of libraries: {mixed}." if mixed else ""


def _listed(found: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found)
