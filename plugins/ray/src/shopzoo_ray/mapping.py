"""Map a function over tasks by Ray Data: actors hold what the tasks share, such as an artifact."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from zoo.api import Prepare, TrainingError, ZooError


class Actor:
    """Does tasks in a process of the cluster; opens what they share at the first one."""

    def __init__(self, prepare: Prepare, request: Mapping[str, Any], threads: int) -> None:
        self.prepare, self.request, self.threads = prepare, request, threads
        self.do_task: Callable[[int], Mapping[str, Any]] | None = None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the result of a task as JSON, or its error with the node."""
        import ray
        import torch

        torch.set_num_threads(self.threads)
        try:
            if self.do_task is None:
                self.do_task = self.prepare(self.request)
            return {"result": json.dumps(self.do_task(int(row["item"]))), "error": ""}
        except ZooError as error:
            return {"result": "", "error": f"the node {ray.util.get_node_ip_address()}: {error}"}


def map_tasks(
    prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
) -> Generator[Mapping[str, Any], None, None]:
    """Yield the result of each task, as it comes, from a cluster that this process is connected to.

    Raises:
        TrainingError: A task failed, or the cluster was lost.
    """
    import ray
    from ray.exceptions import RayError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of defaults of Ray Data itself
        context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cores = [int(node["Resources"].get("CPU", 0)) // threads for node in ray.nodes() if node["Alive"]]
    size = max(min(sum(cores), len(tasks)), 1)
    # Ray starts a lost actor again, and does its task again. The pool may shrink, so that it gets the core of an idle one.
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=size, initial_size=size)
    done = ray.data.from_items(list(tasks), override_num_blocks=len(tasks)).map(
        Actor,
        fn_constructor_args=(prepare, dict(request), threads),
        compute=pool,
        num_cpus=threads,
    )
    try:
        for row in done.iter_rows():
            if row["error"]:
                raise TrainingError(row["error"])
            yield json.loads(row["result"])
    except RayError as error:
        cause = getattr(error, "cause", None)
        text = " ".join(str(error).split()) if cause is None else f"{type(cause).__name__}: {cause}"
        raise TrainingError(f"Ray lost the work: {text} Run the same command again to go on.") from error
