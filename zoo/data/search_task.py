"""The task that a search sees: without the test part, and with the part before it in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.data.parts import PARTS, Parts
from zoo.data.task import Task
from zoo.errors import ConfigError


def without_test(task: Task, *, rankers_learn: bool, refit: bool) -> Task:
    """Return a task that has no event of the test part, for the trials of a search.

    Its `test` part is the validation part, and its `validate` part is the same, so that networks stop early on what they are
    measured on. A model whose rankers learn needs two parts: its rankers learn from the validation part, and the `rank` part,
    which is later, measures it.

    Args:
        task: The task.
        rankers_learn: Whether the model has rankers that learn.
        refit: Whether models are fitted again on all events before the part that measures them.

    Raises:
        ConfigError: The task has no validation part.
        SplitError: The part has no queries.
    """
    if "validate" not in task.parts.held_out:
        raise ConfigError(
            "tune: models are tuned on the `validate` part, and the split has none (parts: train, "
            f"{', '.join(task.parts.held_out)}). Hold one out, such as with [split] cuts = [0.8, 0.9], or remove [tune]."
        )
    measured: Part = "rank" if rankers_learn else "validate"
    parts = task.parts.codes
    kept = parts < 2 * (PARTS.index(measured) + 1)
    log = task.log.extract(kept)
    codes = _renamed(parts[kept], measured, "test")
    if rankers_learn:
        codes = _renamed(codes, "validate", "rank")
    starts: dict[Part, int] = {"test": task.parts.starts[measured]} if measured in task.parts.starts else {}
    if rankers_learn and "validate" in task.parts.starts:
        starts["rank"] = task.parts.starts["validate"]
    held_out: tuple[Part, ...] = ("rank", "test") if rankers_learn else ("test",)
    units = replace(task.units, log=log, numbers=task.units.numbers[kept], steps=task.units.steps[kept], notes={})
    found = Task(
        log,
        task.catalogue,
        task.user_ids,
        task.split,
        task.evaluate,
        refit,
        units,
        Parts(codes, ("validate", *held_out), starts),
        task.eligible,
        {},
        users=task.users,
    )
    for part in held_out:
        found.build_part(part)
    queries = {part: found.queries(part) for part in held_out}
    return replace(found, _queries={"validate": queries[held_out[0]], **queries})


def _renamed(codes: NDArray[np.uint8], old: Part, new: Part) -> NDArray[np.uint8]:
    """Return the codes of events with those of a part as another part, `[N]`."""
    moved = codes // 2 == PARTS.index(old)
    return np.where(moved, codes + 2 * (PARTS.index(new) - PARTS.index(old)), codes).astype(np.uint8)
