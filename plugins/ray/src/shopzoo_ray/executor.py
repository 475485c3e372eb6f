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
from typing import Any

from shopzoo_ray import RayParams
from shopzoo_ray.mapping import map_tasks
from shopzoo_ray.ranks import RETRIES, RayLauncher
from zoo.api import ConfigError, Executor, FinishedRun, Job, PendingRun, Prepare, TrainingError, ZooError, perform_run

GIB = 2**30

CARD_OF_RUN = 0.01
"""The share of a card that a run takes whose processes train on cards: the rest of that card is for one of them."""
ANSWER_SECONDS, END_SECONDS, LOOK_SECONDS = 10.0, 30.0, 60.0
"""How long to wait for a head node to answer, for runs to end that are cancelled, and until the nodes are looked at again."""


class RayExecutor(Executor[RayParams]):
    """Does each run in a worker of a Ray cluster."""

    def run(self, jobs: Sequence[Job]) -> Generator[FinishedRun, None, None]:
        """Yield what each run gave, as it comes; one that no node has enough for gives an error, and the others go on.

        Raises:
            ConfigError: No cluster answers.
        """
        alone = [job for job in jobs if all(run.ranks == 1 for run in job)]
        # Runs that train in several processes are one job: at the same time, each would hold what the others wait for.
        large = [run for job in jobs if job not in alone for run in job]
        if jobs:
            with connected(self.params.address):
                yield from _do_jobs([*map(deque, alone), deque(large)])

    def map(
        self, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
    ) -> Generator[Mapping[str, Any], None, None]:
        """Yield the result of each task, as it comes.

        Raises:
            ConfigError: No cluster answers, or no node has enough cores.
        """
        import ray

        if tasks:
            with connected(self.params.address):
                if lack := lack_of({"CPU": threads}, 1, ray.nodes()):
                    raise ConfigError(f"a worker (--threads) {lack}")
                yield from map_tasks(prepare, request, tasks, threads)


def _do_jobs(jobs: Sequence[deque[PendingRun]]) -> Generator[FinishedRun, None, None]:
    """Yield what the runs of some jobs gave; the runs of a job are done one after the other."""
    import ray

    doing: dict[Any, tuple[PendingRun, deque[PendingRun]]] = {}  # by the stream of what its task tells
    begun: set[Any] = set()

    def begin(job: deque[PendingRun]) -> Iterator[FinishedRun]:
        while job:
            run = job.popleft()
            if not (lack := lack_of(reserved(run), run.ranks, ray.nodes())):
                doing[_start(run)] = run, job
                return
            run.started()
            yield FinishedRun(run, error=f"the run {lack}")

    try:
        for job in jobs:
            yield from begin(job)
        while doing:
            ready, _ = ray.wait(list(doing), num_returns=1, timeout=LOOK_SECONDS)
            for stream in ready or list(doing):
                run, job = doing[stream]
                if ready:
                    found = result_of(run, next(stream))
                elif lack := lack_of(reserved(run), run.ranks, ray.nodes()):  # a node has gone since
                    ray.cancel(stream, force=True)
                    found = FinishedRun(run, error=f"the run {lack}")
                else:
                    continue
                if stream not in begun:
                    begun.add(stream)
                    run.started()
                if found is not None:
                    del doing[stream]
                    yield found
                    yield from begin(job)
    finally:
        if ended := [stream.completed() for stream in doing]:
            for stream in doing:
                ray.cancel(stream, force=True)
            ray.wait(ended, num_returns=len(ended), timeout=END_SECONDS)  # the folder is free only when they have ended


def _start(run: PendingRun) -> Any:
    """Return the stream of what the task of a run tells."""
    import ray

    wanted, cards = reserved(run), run.resources.gpus
    alone = {"max_calls": 1} if cards else {}  # its worker keeps the card that it took first, and so ends with the run
    of_run = cards if run.ranks == 1 else min(cards, CARD_OF_RUN)
    task = ray.remote(num_returns="streaming", max_retries=RETRIES, **alone)(do_run).options(
        name=f"zoo {run.name}", num_cpus=wanted["CPU"], num_gpus=of_run, memory=wanted.get("memory")
    )
    return task.remote(dict(run.request()), wanted)


def do_run(request: Mapping[str, Any], of_rank: Mapping[str, float]) -> Iterator[Any]:
    """Do a run in a worker: yield None when it begins, and its row and its lists when it ends."""
    import ray

    yield None
    node = ray.util.get_node_ip_address()
    for place in (request["results"], request["folder"]):
        if not Path(place).is_dir():
            shared = "Put the results and the data on a file system that every node has under the same path."
            raise TrainingError(f"the node {node} does not see the folder {place}. {shared}")
    os.chdir(request["folder"])  # paths of an experiment may be relative to the folder of the command
    if not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # device = "auto" takes no card that is not reserved
    launcher = RayLauncher(Path(request["results"]), Path(request["folder"]), of_rank)
    try:
        yield perform_run(request, launcher=launcher)
    except ZooError as error:
        raise TrainingError(f"the node {node}: {error}") from error


def result_of(run: PendingRun, told: Any) -> FinishedRun | None:
    """Return what a task gave, or why it gave nothing; None if it tells that its run begins."""
    import ray
    from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

    try:
        found = ray.get(told)
    except RayTaskError as error:
        return FinishedRun(run, error=f"{type(error.cause).__name__}: {error.cause}")
    except RayError as error:  # a worker or a node was lost, or had no memory left, more often than it is tried again
        text = f"Ray lost the run: {_one_line(error)} Run the same command again to repeat it."
        full = "the node had no memory left. Reserve some with [model.resources], so that less runs beside the run. "
        return FinishedRun(run, error=full + text if isinstance(error, OutOfMemoryError) else text)
    return None if found is None else FinishedRun(run, *found)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def reserved(run: PendingRun) -> dict[str, float]:
    """Return what Ray reserves for a run, or for each process in which it trains a network, by the names of Ray."""
    wanted = run.resources
    memory = {} if wanted.memory is None else {"memory": wanted.memory * GIB}
    cards = wanted.gpus - CARD_OF_RUN if wanted.gpus and run.ranks > 1 else wanted.gpus
    return {"CPU": wanted.cpus or max(1, run.threads // run.ranks), **({"GPU": cards} if cards else {}), **memory}


def lack_of(asked: Mapping[str, float], ranks: int, nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return why what is asked for is never there; empty if it can be. Ray would wait for a larger node without an end."""
    alive = [(node["NodeManagerAddress"], node["Resources"]) for node in nodes if node["Alive"]]
    if sum(int(min(has.get(name, 0) // amount for name, amount in asked.items())) for _, has in alive) >= ranks:
        return ""
    processes = "" if ranks == 1 else f" for each of {ranks} processes"
    there = "; ".join(f"{_amounts(has)} ({address})" for address, has in alive)
    return (
        f"asks for {_amounts(asked)} on one node{processes}, and the nodes have: {there}. Ask for less in [model.resources], "
        "train.threads or train.devices, or add a node."
    )


def _amounts(has: Mapping[str, float]) -> str:
    return f"{has.get('CPU', 0):g} cores, {has.get('GPU', 0):g} GPUs and {has.get('memory', 0) / GIB:.3g} GiB"


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
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))  # by default without an end
    os.environ.setdefault("RAY_worker_niceness", "0")  # a cluster of this process: its workers are the benchmark
    here: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    try:
        ray.init(address or "local", log_to_driver=False, logging_level="error", configure_logging=True, **here)
    except (ConnectionError, RuntimeError, ValueError, OSError, GetTimeoutError) as error:
        reason = (_one_line(error) or type(error).__name__).rstrip(".")
        where = "a cluster cannot be started here" if address is None else f"the cluster {address!r} cannot be used"
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
    """Refuse an address that nobody answers: Ray itself tries for many minutes."""
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"--executor ray: no cluster answers at {address} ({error.strerror or error}). `ray start --head` starts one and prints "
            "its address."
        ) from None
