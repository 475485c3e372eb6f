"""Datasets and metrics: tables that can be read again, and values that do not depend on how they are added up."""

from __future__ import annotations

import torch

from zoo.data.dataset import Tables
from zoo.evaluation.judged import Judged
from zoo.evaluation.metric import Facts
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import NotApplicableError, require
from zoo.testing.subject import Subject


@check(
    "dataset", needs="class",
    sentence="Reading gives tables, and the same ones each time.",
    remedy="Return `Tables` with at least one event; fix the seed and the order of what is generated or listed.",
)  # fmt: skip
def same_tables(subject: Subject) -> None:
    """Two instances are read; their tables have the same columns and the same contents.

    A task is named by a hash of its data: where that changes from one reading to the next, no two rows can be compared.
    """
    first, second = (subject.build().read() for _ in range(2))
    require(isinstance(first, Tables), f"read() returned {type(first).__name__}, expected Tables")
    for what in ("interactions", "items"):
        a, b = getattr(first, what), getattr(second, what)
        if a is None and b is None and what == "items":
            continue
        a, b = (table.select(list(table.column_names)) for table in (a, b))
        require(a.num_rows > 0, f"there is no row in the {what}")
        require(a.equals(b), f"the {what} were not the same the second time")


@check(
    "metric", needs="class",
    sentence="Blocks of queries add up to the value of all.",
    remedy="Keep sums and counts with `add_state`, and divide in `compute`.",
)  # fmt: skip
def blocks_add_up(subject: Subject) -> None:
    """All queries in one update, and seven at a time: the evaluator works in blocks, and several processes add theirs."""
    judged = _judged()
    whole, parts = _value(subject, [judged]), _value(subject, _cut(judged, 7))
    require(abs(whole - parts) <= 1e-9 * max(1.0, abs(whole)), f"in one block {whole:.12g}, in blocks {parts:.12g}")


@check(
    "metric", needs="class",
    sentence="A list is cut at k.",
    remedy="Look at the first `k` slots only; the lists of an update may be longer.",
)  # fmt: skip
def cut_at_k(subject: Subject) -> None:
    """What stands below place k changes nothing: lists are as long as the largest k of all metrics asks for."""
    judged = _judged()
    k = subject.build().k
    if k >= judged.items.shape[1]:
        raise NotApplicableError(f"its tiny k, {k}, is longer than the kit's lists")
    whole, short = _value(subject, [judged]), _value(subject, [judged.at(k)])
    require(whole == short, f"of lists of {judged.items.shape[1]} it is {whole:.12g}, of lists of k {short:.12g}")


def _value(subject: Subject, blocks: list[Judged]) -> float:
    """Return a metric's value over blocks of queries."""
    world = shop()
    metric = subject.build()
    metric.bind(Facts.of(world.training, world.catalogue, features=world.features))
    for block in blocks:
        metric.update(block)
    return float(metric.compute())


def _judged() -> Judged:
    """Return random lists of twelve items for the shop's queries, judged."""
    queries = shop().queries
    order = torch.rand(len(queries), queries.log.n_items, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    return Judged.of(order[:, :12] + 1, queries.answers(), 12)


def _cut(judged: Judged, size: int) -> list[Judged]:
    """Return judged lists in blocks."""
    blocks = [slice(start, start + size) for start in range(0, len(judged.items), size)]
    return [Judged(judged.items[b], judged.hits[b], judged.n_targets[b], judged.targets[b]) for b in blocks]
