"""The process: a component leaves the process and its queries as they were, and does not grow."""

from __future__ import annotations

import hashlib
import sys
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.testing.check import check
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import Subject

USES = 10
"""Number of repeated queries between two measurements of the size."""
DEPTH = 8
"""How deep attributes and containers are followed to measure the size."""


@check(
    *FITTED_STAGES,
    sentence="It leaves the standard output as it is.",
    remedy="Do not replace `sys.stdout`, and do not write to the file descriptor; report through `context.progress`.",
)  # fmt: skip
def stdout(subject: Subject) -> None:
    """The check reads what the file descriptor of the standard output gets without `sys.stdout`, as from a subprocess or a C library.

    Commands with `--json` write their result there. What is written through `sys.stdout` belongs to the check `side-effects`.
    """
    use = subject.first_use
    require(not use.bypassed, f"it wrote {use.bypassed[:80]!r} to the standard output, bypassing sys.stdout")
    replaced = [use.state[name] for name in ("stdout", "stderr") if name in use.state]
    require(not replaced, f"it replaced {' and '.join(replaced)}")


@check(
    *FITTED_STAGES,
    sentence="It stays in the working directory.",
    remedy="Build absolute paths, instead of calling `os.chdir`.",
)  # fmt: skip
def working_directory(subject: Subject) -> None:
    """Relative paths of the experiment, and of all later models, refer to the working directory."""
    require("folder" not in subject.first_use.state, f"it changed {subject.first_use.state.get('folder')}")


@check(
    *FITTED_STAGES,
    sentence="It leaves torch's global settings as they are.",
    remedy="Pass `dtype` and `device` where tensors are created, and use `with torch.no_grad():` instead of the global switches.",
)  # fmt: skip
def global_state(subject: Subject) -> None:
    """The check compares the default dtype and device, the grad mode, the deterministic mode and the number of threads before and after.

    With another default dtype or without gradients, the models that run later compute something else.
    """
    changed = [
        text
        for name, text in subject.first_use.state.items()
        if name in ("dtype", "device", "grad", "deterministic", "threads")
    ]
    require(not changed, f"it changed {'; '.join(changed)}")


@check(
    *FITTED_STAGES,
    sentence="It leaves no file open.",
    remedy="Open files in a `with` block, and keep their contents instead of the handle.",
)  # fmt: skip
def open_files(subject: Subject) -> None:
    """A fitted component must not hold a file: an artifact has no files, and a benchmark of many models would run out of handles."""
    left = subject.first_use.opened
    require(not left, f"it left open {', '.join(left)}")


@check(
    *FITTED_STAGES,
    sentence="Repeated queries do not make it larger.",
    remedy="Keep nothing from one query to the next, or bound the cache.",
)  # fmt: skip
def memory_growth(subject: Subject) -> None:
    """The check measures everything that the instance, its class and its module refer to, and queries it ten times with the same queries.

    A service answers millions of queries with one instance. The first queries may fill a cache; later ones must not add to it.
    """
    for _ in range(2):
        subject.ask(subject.fitted, subject.world)
    before = _size_of_component(subject)
    for _ in range(USES):
        subject.ask(subject.fitted, subject.world)
    grown = _size_of_component(subject) - before
    require(grown < 8 * USES, f"{USES} repeated queries made it {grown:,} bytes larger")


@check(
    "predictor", "filter",
    sentence="Inference does not write into the queries.",
    remedy="Copy `items`, `times` or `users` before writing into them.",
)  # fmt: skip
def queries_unchanged(subject: Subject) -> None:
    """The check compares a hash of the queries and their log before and after, as they are passed in a benchmark: in a log of their own.

    The predictor and the filters of a model share the arrays of a block.
    """
    queries = subject.queries().compact()
    before = _hash(queries)
    subject.ask(subject.fitted, subject.world, queries)
    require(_hash(queries) == before, "`score` or `keep` wrote into the queries or their log")


def _hash(queries: Queries) -> str:
    """Return a hash of queries, their log and their histories."""
    log, h = queries.log, queries.histories
    arrays = (
        queries.row, queries.end, queries.now, queries.users, log.offsets, log.items, log.times, log.events,
        log.event_weights, h.items, h.times, h.events,
    )  # fmt: skip
    return hashlib.blake2b(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def _size_of_component(subject: Subject) -> int:
    """Return the bytes of the instance, of its classes, and of the values in its module."""
    own = [
        kind for kind in type(subject.fitted).__mro__ if not kind.__module__.startswith(("zoo.", "builtins", "torch"))
    ]
    modules = [vars(sys.modules[kind.__module__]) for kind in own if kind.__module__ in sys.modules]
    values = [value for names in modules for name, value in names.items() if not name.startswith("__")]
    return _size([subject.fitted, *(dict(vars(kind)) for kind in own), *values], set(), DEPTH)


def _size(value: Any, seen: set[int], depth: int) -> int:
    """Return the approximate bytes of a value and of what it refers to; modules, classes and code count as nothing."""
    if id(value) in seen or depth == 0 or value is None:
        return 0
    seen.add(id(value))
    if isinstance(value, Tensor):
        return value.numel() * value.element_size() if value.layout == torch.strided else 0
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, dict):
        return 16 * len(value) + sum(_size(part, seen, depth - 1) for pair in list(value.items()) for part in pair)
    if isinstance(value, list | tuple | set | frozenset | deque):
        return 8 * len(value) + sum(_size(part, seen, depth - 1) for part in list(value))
    if hasattr(value, "cache_info"):  # functools.lru_cache
        return 64 * int(value.cache_info().currsize)
    if isinstance(value, type) or not hasattr(value, "__dict__") or type(value).__module__ in ("builtins", "types"):
        return 0
    return _size(vars(value), seen, depth - 1)
