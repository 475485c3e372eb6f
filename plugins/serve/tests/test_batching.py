"""Jobs that wait together are done together, an error of one is not that of the others, and nothing waits without end."""

import asyncio
import threading

import pytest

pytest.importorskip("fastapi", reason="the server needs FastAPI")

from shopzoo_serve.batching import BacklogError, Batcher
from shopzoo_serve.scoring import Job, Listed, Served, score

from zoo.api import FieldError


def run(work, use, **options):
    """Use a batcher in an event loop of its own."""

    async def main():
        batcher = Batcher(work, **{"size": 8, "wait": 5.0, "backlog": 10, **options})
        batcher.start()
        try:
            return await use(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(main())


def test_jobs_that_come_while_a_batch_runs_are_the_next_batch():
    go, batches = threading.Event(), []

    def work(jobs):
        batches.append(list(jobs))
        go.wait()
        return [job * 10 for job in jobs]

    async def use(batcher):
        first = asyncio.create_task(batcher.do(1))
        while not batches:
            await asyncio.sleep(0)
        others = [asyncio.create_task(batcher.do(n)) for n in range(2, 6)]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(first, *others)

    assert run(work, use) == [10, 20, 30, 40, 50]
    assert batches == [[1], [2, 3, 4, 5]]


def test_a_batch_waits_for_as_many_jobs_as_the_last_one_had():
    batches = []

    def work(jobs):
        batches.append(len(jobs))
        return jobs

    async def use(batcher):
        await asyncio.gather(*(batcher.do(n) for n in range(3)))
        first = asyncio.create_task(batcher.do(0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not first.done()
        await asyncio.gather(first, batcher.do(1), batcher.do(2))

    run(work, use)
    assert batches == [3, 3]


def test_a_job_that_nobody_follows_waits_for_a_moment_only():
    async def use(batcher):
        await asyncio.gather(batcher.do(1), batcher.do(2))
        return await batcher.do(3)

    assert run(list, use, wait=0.001) == 3


def test_errors_belong_to_their_jobs_and_the_batcher_goes_on():
    def work(jobs):
        if 7 in jobs:
            raise OSError("all fail")
        return [ValueError(str(job)) if job == 2 else job for job in jobs]

    async def use(batcher):
        found = await asyncio.gather(*(batcher.do(n) for n in range(4)), return_exceptions=True)
        with pytest.raises(OSError, match="all fail"):
            await batcher.do(7)
        return found, await batcher.do(1)

    found, after = run(work, use, wait=0.001)
    assert [type(each) for each in found] == [int, int, ValueError, int]
    assert after == 1


def test_a_full_backlog_is_refused():
    async def use(batcher):
        found = await asyncio.gather(*(batcher.do(n) for n in range(12)), return_exceptions=True)
        return [type(each) for each in found]

    assert run(list, use, wait=0.001) == [int] * 10 + [BacklogError] * 2


def test_a_batch_gives_each_request_the_list_that_it_has_alone(artifact):
    served = Served(artifact, 1)

    def job(user, k=5, exclude=(), where=None):
        return Job(served, user, None, (), k, exclude, where or {}, None)

    jobs = [job("c000001"), job("c000002"), job("c000001", 3), job("c000002", exclude=["p00001"]), job("c000001", where={"gone": 1}), job("c000003", exclude=["p00001"])]  # fmt: skip
    together, alone = score(jobs), [score([each])[0] for each in jobs]
    for mine, own in zip(together, alone, strict=True):
        if isinstance(own, Listed):
            assert [item.item_id for item in mine.items] == [item.item_id for item in own.items]
        else:
            assert isinstance(mine, FieldError)
            assert mine.path == own.path == ("where", "gone")
    assert len({each.group for each in jobs}) == 4
