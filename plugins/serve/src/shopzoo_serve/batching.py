"""Collect jobs that arrive together and do them in one call, in a worker thread.

While a call runs, further jobs wait for the next one. A job that arrives alone starts at once. If the last call had several jobs, the
next one waits until as many have arrived, for a few milliseconds at most: clients that were answered together ask again together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")


class BacklogError(Exception):
    """Too many jobs wait."""


class Batcher(Generic[J, R]):
    """Does jobs in batches. It has one thread, so that batches never run at the same time.

    Args:
        work: Does a batch in the thread: returns the result, or the exception, of each job.
        size: The most jobs of a batch.
        wait: The longest wait for further jobs, in seconds.
        backlog: The most jobs that wait.
        observe: Called with the number of jobs of each batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[J]], Sequence[R | Exception]],
        *,
        size: int,
        wait: float,
        backlog: int,
        observe: Callable[[int], Any] = lambda n: None,
    ) -> None:
        self._work, self._size, self._wait, self._backlog, self._observe = work, size, wait, backlog, observe
        self._waiting: list[tuple[J, asyncio.Future[R]]] = []
        self._arrived = asyncio.Event()
        self._last = 1
        self._thread = ThreadPoolExecutor(1)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to do jobs, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End after the batch that runs; jobs that wait are cancelled."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for _, future in self._waiting:
            future.cancel()
        self._thread.shutdown()

    async def do(self, job: J) -> R:
        """Return the result of a job.

        Raises:
            BacklogError: Too many jobs wait already.
            Exception: What the work gave for this job.
        """
        if len(self._waiting) >= self._backlog:
            raise BacklogError
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        self._arrived.set()
        return await future

    async def _run(self) -> None:
        """Do batches for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            await self._gather(loop.time() + self._wait)
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            if not self._waiting:
                self._arrived.clear()
            batch = [(job, future) for job, future in batch if not future.done()]  # of a client that has gone
            if not batch:
                continue
            self._last = len(batch)
            self._observe(len(batch))
            try:
                results = await loop.run_in_executor(self._thread, self._work, [job for job, _ in batch])
            except Exception as error:  # the batcher goes on whatever a batch does
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _gather(self, end: float) -> None:
        """Wait until as many jobs have arrived as the last batch had, until a moment at most."""
        loop = asyncio.get_running_loop()
        wanted = min(self._last, self._size)
        while len(self._waiting) < wanted and (left := end - loop.time()) > 0:
            self._arrived.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
        self._arrived.set()
