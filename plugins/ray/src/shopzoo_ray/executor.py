"""Do the runs of a benchmark as tasks of Ray, and map tasks by Ray Data; Ray schedules them and does lost ones again."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopzoo_ray import RayParams
from shopzoo_ray.mapping import map_tasks
from zoo.api import ConfigError, Executor, FinishedRun, Job, PendingRun, Prepare, TrainingError, ZooError, perform_run

GIB = 2**30
if TYPE_CHECKING:
    import ray

RETRIES = 3
"""How often a run is done again whose worker or node is lost."""
ANSWER_SECONDS, END_SECONDS, LOOK_SECONDS = 10.0, 30.0, 60.0
"""How long to wait for a head node to answer, for runs to end that are cancelled, and until the nodes are looked at again."""


class RayExecutor(Executor[RayParams]):
    """Does each run in a worker of a Ray cluster."""

    def run(self, jobs: Sequence[Job]) -> Generator[FinishedRun, None, None]:
        """Yield what each run gave, as it comes.

        Raises:
            ConfigError: No cluster answers, or no node of it has what a run asks for.
        """
        import ray

        if not jobs:
            return
        with connected(self.params.address):
            refuse_impossible({run.name: needs(run) for job in jobs for run in job}, ray.nodes())
            doing: dict[ray.ObjectRef[Any], tuple[PendingRun, deque[PendingRun]]] = {}

            def begin(job: deque[PendingRun]) -> None:
                run = job.popleft()
                run.started()
                # A worker of a card ends with its run: it keeps the card that it took first.
                ended = {"max_calls": 1} if run.resources.gpus else {}
                task = ray.remote(**ended, max_retries=RETRIES, **needs(run))(do_run)
                doing[task.options(name=f"zoo {run.name}").remote(dict(run.request()))] = run, job

            try:
                for job in jobs:
                    begin(deque(job))
                while doing:
                    ended, _ = ray.wait(list(doing), num_returns=1, timeout=LOOK_SECONDS)
                    if not ended:
                        refuse_impossible({run.name: needs(run) for run, _ in doing.values()}, ray.nodes())
                        continue
                    done = ended[0]
                    run, rest = doing.pop(done)
                    yield result_of(run, done)
                    if rest:
                        begin(rest)
            finally:
                for left in doing:
                    ray.cancel(left, force=True)
                if doing:  # the folder is free only when they have ended
                    ray.wait(list(doing), num_returns=len(doing), timeout=END_SECONDS)

    def map(
        self, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
    ) -> Generator[Mapping[str, Any], None, None]:
        """Yield the result of each task, as it comes.

        Raises:
            ConfigError: No cluster answers, or no node has a core for each thread.
        """
        import ray

        if not tasks:
            return
        with connected(self.params.address):
            refuse_impossible({"a worker (--threads)": {"num_cpus": threads}}, ray.nodes())
            yield from map_tasks(prepare, request, tasks, threads)


def do_run(request: Mapping[str, Any]) -> Any:
    """Do a run in a worker, and return its row and its lists."""
    import ray

    node = ray.util.get_node_ip_address()
    for place in (request["results"], request["folder"]):
        if not Path(place).is_dir():
            raise TrainingError(
                f"the node {node} does not see the folder {place}. Put the results and the data on a file system that every node "
                "has under the same path."
            )
    os.chdir(request["folder"])  # paths of an experiment may be relative to the folder of the command
    if not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # device = "auto" takes no card that is not reserved
    try:
        return perform_run(request)
    except ZooError as error:
        raise TrainingError(f"the node {node}: {error}") from error


def result_of(run: PendingRun, done: ray.ObjectRef[Any]) -> FinishedRun:
    """Return what a task gave, or why it gave nothing."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        row, lists = ray.get(done)
    except RayTaskError as error:
        return FinishedRun(run, error=f"{type(error.cause).__name__}: {error.cause}")
    except RayError as error:  # a worker or a node was lost, or had no memory left, more often than it is tried again
        reason = " ".join(str(error).split())
        return FinishedRun(run, error=f"Ray lost the run: {reason} Run the same command again to repeat it.")
    return FinishedRun(run, row, lists)


def needs(run: PendingRun) -> dict[str, Any]:
    """Return what Ray reserves for a run."""
    wanted = run.resources
    memory = {} if wanted.memory is None else {"memory": wanted.memory * GIB}
    return {"num_cpus": wanted.cpus or run.threads, "num_gpus": wanted.gpus, **memory}


def refuse_impossible(runs: Mapping[str, Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a run that no node has enough for: Ray would wait for one without an end.

    Args:
        runs: What Ray reserves for each run, by its name.
        nodes: The nodes, as `ray.nodes` returns them.

    Raises:
        ConfigError: There is one.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    for name, wanted in runs.items():
        asked = {"CPU": wanted["num_cpus"], "GPU": wanted.get("num_gpus", 0), "memory": wanted.get("memory", 0)}
        if not any(all(has.get(kind, 0) >= amount for kind, amount in asked.items()) for has in alive):
            there = "; ".join(
                f"{has.get('CPU', 0):g} cores, {has.get('GPU', 0):g} GPUs, {has.get('memory', 0) / GIB:.1f} GiB"
                for has in alive
            )
            raise ConfigError(
                f"{name} asks for {asked['CPU']:g} cores, {asked['GPU']:g} GPUs and {asked['memory'] / GIB:g} GiB on one node, "
                f"and the nodes have: {there}. Ask for less in [model.resources] or train.threads, or add a node."
            )


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect this process to a cluster, or start one here for the time of the context.

    Raises:
        ConfigError: No cluster answers, or it has another version of Python or Ray.
    """
    import ray
    from ray.exceptions import GetTimeoutError

    if ray.is_initialized():  # a program that uses Ray itself
        yield
        return
    if address is not None and (place := re.fullmatch(r"([^:/]+):(\d{1,5})", address)):
        _require_answer(address, place[1], int(place[2]))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # a cluster of this process: its workers are the benchmark
    here: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    try:
        ray.init(address or "local", log_to_driver=False, logging_level="error", configure_logging=True, **here)
    except (ConnectionError, RuntimeError, ValueError, OSError, GetTimeoutError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        where = (
            "a cluster cannot be started on this machine"
            if address is None
            else f"the cluster {address!r} cannot be used"
        )
        raise ConfigError(
            f"--executor ray: {where}: {reason}. Start one with `ray start --head` and pass its address with --address; every "
            "node needs the same versions of Python, Ray and the plugins."
        ) from error
    finally:
        if main:
            signal.signal(signal.SIGTERM, handler)  # Ray puts its own in place, and leaves it there
    try:
        yield
    finally:
        ray.shutdown()


def _require_answer(address: str, host: str, port: int) -> None:
    """Refuse an address that nobody answers: Ray itself tries for many minutes.

    Raises:
        ConfigError: Nobody answers.
    """
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"--executor ray: no cluster answers at {address} ({error.strerror or error}). `ray start --head` starts one and prints "
            "its address."
        ) from None
