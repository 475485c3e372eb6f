"""Datasets and metrics: reproducible tables, and metric values that do not depend on the batching."""

from __future__ import annotations

from zoo.data.dataset import Tables
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.testing.check import check
from zoo.testing.requirement import NotApplicableError, require
from zoo.testing.shape_checks import bind, evaluated_lists, require_values
from zoo.testing.subject import Subject


@check(
    "dataset", needs="class",
    sentence="Reading returns the same tables each time.",
    remedy="Return `Tables` with at least one event; fix the seed of generated data and the order of listed files.",
)  # fmt: skip
def same_tables(subject: Subject) -> None:
    """The check reads two instances and compares the columns and the contents of their tables.

    A task is identified by a hash of its data: if the hash changed with each read, no two results could be compared.
    """
    first, second = (subject.build().read() for _ in range(2))
    require(isinstance(first, Tables), f"read() returned {type(first).__name__}, expected Tables")
    for what in ("interactions", "items"):
        a, b = getattr(first, what), getattr(second, what)
        if a is None and b is None and what == "items":
            continue
        a, b = (table.select(list(table.column_names)) for table in (a, b))
        require(a.num_rows > 0, f"the table of {what} has no rows")
        require(a.equals(b), f"the second read returned a different table of {what}")


@check(
    "dataset", needs="spec",
    sentence="A dataset with required parameters has `tiny` parameters, so that it is checked.",
    remedy="Set `tiny`, for example with a small file of the package; or list the check in `expected_failures` with the reason.",
)  # fmt: skip
def required_params(subject: Subject) -> None:
    """Without `tiny`, a dataset with a required parameter cannot be built, and every other check of it would be left out silently."""
    fields = subject.component.spec.params.model_fields
    required = [name for name, field in fields.items() if field.is_required()]
    missing = [name for name in required if name not in subject.component.spec.tiny]
    require(not missing, f"`tiny` has no value for the required parameters {', '.join(missing)}")


@check(
    "metric", needs="class",
    sentence="A metric returns one value for each query.",
    remedy="Return a tensor `[Q]` from `values`, with NaN for a query without a value.",
)  # fmt: skip
def one_value_per_query(subject: Subject) -> None:
    """The check calls `values` with the lists of the shop's queries, and compares the shape of the result with their number.

    It passes for a metric that is defined only for all lists together.
    """
    require_values(subject.build())


@check(
    "metric",
    sentence="Updates in blocks give the same value as one update.",
    remedy="Accumulate sums and counts with `add_state`, and divide in `compute`.",
)  # fmt: skip
def blocks_add_up(subject: Subject) -> None:
    """The check passes all queries in one update, and in blocks of seven: the evaluator works in blocks, possibly in several processes."""
    judged = evaluated_lists()
    whole, parts = _value(subject, [judged]), _value(subject, _split(judged, 7))
    require(abs(whole - parts) <= 1e-9 * max(1.0, abs(whole)), f"in one block {whole:.12g}, in blocks {parts:.12g}")


@check(
    "metric",
    sentence="Only the first k slots of a list count.",
    remedy="Read only the first `k` slots; the lists of an update may be longer.",
)  # fmt: skip
def cut_at_k(subject: Subject) -> None:
    """The items below rank k do not change the value: lists are as long as the largest k of all metrics."""
    judged = evaluated_lists()
    k = subject.build().k
    if k >= judged.items.shape[1]:
        raise NotApplicableError(f"its tiny k, {k}, is not smaller than the length of the kit's lists")
    whole, short = _value(subject, [judged]), _value(subject, [judged.at(k)])
    require(whole == short, f"lists of {judged.items.shape[1]} give {whole:.12g}, lists of k give {short:.12g}")


def _value(subject: Subject, blocks: list[EvaluatedLists]) -> float:
    """Return a metric's value over blocks of queries."""
    metric = bind(subject.build())
    for block in blocks:
        metric.update(block)
    return float(metric.compute())


def _split(judged: EvaluatedLists, size: int) -> list[EvaluatedLists]:
    """Return evaluated lists in blocks of `size` queries."""
    blocks = [slice(start, start + size) for start in range(0, len(judged.items), size)]
    queries = judged.queries
    assert queries is not None  # the kit's lists have them
    return [
        EvaluatedLists(judged.items[b], judged.hits[b], judged.n_targets[b], judged.targets[b], queries=queries[b])
        for b in blocks
    ]
