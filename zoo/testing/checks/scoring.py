"""Scoring: the output for a query depends only on that query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from zoo.stages.candidates import CandidateLists, Candidates, Exclusions
from zoo.stages.predictor import Predictor
from zoo.testing.check import check
from zoo.testing.data import lists_at, shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.shape_checks import cast
from zoo.testing.subject import Subject, difference, places, with_histories


def _makes_lists(subject: Subject) -> bool:
    """Return whether a predictor overrides `recommend`."""
    return getattr(subject.target, "recommend", None) is not Predictor.recommend


@check(
    *FITTED_STAGES, needs="fit",
    sentence="Outputs have the shape and dtype of their stage.",
    remedy="Return `[B, I]` float32 scores, a `[B, I]` or `[1, I]` bool mask, `[B, K]` float32 scores of lists, or "
    "`[I, D]` float32 features with D names and zeros for item 0; `I` includes the padding row. Other floats and numpy arrays are "
    "cast; integers are refused.",
)  # fmt: skip
def shape(subject: Subject) -> None:
    """A predictor scores every item of the vocabulary, including items outside training and the padding item.

    A filter returns a bool per item, for each query or once for all queries; a ranker scores each slot of each list; a
    featurizer returns a row for each item of the catalogue, and a row of zeros for the padding item. The check queries it
    with one query and with many. If this check fails, the checks that read outputs do not run.
    """
    subject.require_shape()


@check(
    "featurizer", "predictor", "ranker",
    sentence="No output is NaN or +inf.",
    remedy="Look for a division by a count, a length or a norm that can be zero.",
)  # fmt: skip
def finite(subject: Subject) -> None:
    """For a predictor, the check reads the scores of queries with a history, for items that may be recommended; -inf is allowed.

    A ranking by NaN scores is meaningless, so the core raises an error, possibly in the middle of a long evaluation.
    """
    part, world = subject.fitted, subject.world
    if subject.stage == "predictor":
        shown = np.ones(world.log.n_items + 1, np.bool_) if subject.capabilities.cold_items else world.training.known
        scores = subject.ask(part, world, subject.queries(with_histories))[:, torch.from_numpy(shown)][:, 1:]
    else:
        scores = subject.answer
    require(not scores.isnan().any(), f"{int(scores.isnan().sum())} of {scores.numel()} values are NaN")
    require(not (scores == torch.inf).any(), f"{int((scores == torch.inf).sum())} values are +inf")
    if subject.stage != "predictor":
        require(not scores.isinf().any(), f"{int(scores.isinf().sum())} values are -inf")


@check(
    "predictor", "filter", "ranker",
    sentence="The output for a query does not depend on the batch or on its order.",
    remedy="Make rows independent: no batch statistics, no use of the position in the batch, networks in evaluation mode.",
)  # fmt: skip
def batch_invariance(subject: Subject) -> None:
    """The check queries histories of equal length in one batch, one by one, and in reverse order.

    Rankers get full lists, and only the order of their scores is compared. Rounding differences are tolerated.
    """
    ask_rows, part = _equal_length_asker(subject), subject.fitted
    together = ask_rows(part, np.arange(8))
    alone = torch.cat([ask_rows(part, np.array([i])) for i in range(8)])
    require(not (found := difference(together, alone)), f"a batch of eight, and one by one: {found}")
    reverse = ask_rows(part, np.arange(8)[::-1].copy()).flip(0)
    require(not (found := difference(together, reverse)), f"a batch of eight, and the same in reverse order: {found}")


def _equal_length_asker(subject: Subject) -> Callable[[object, np.ndarray], Tensor]:
    """Return a function that takes rows, and queries the component with queries or lists of equal length."""
    if subject.stage == "ranker":
        full = subject.world.lists.mask.all(1).nonzero().squeeze(1)
        return lambda part, chosen: _order(part, lists_at(subject.world.lists, full[torch.from_numpy(chosen)]))
    queries = subject.queries(lambda q: q.lengths >= 3)
    queries = replace(queries, end=queries.log.offsets[queries.row] + 3)
    return lambda part, chosen: subject.ask(part, subject.world, queries.at(chosen))


def _order(ranker: object, lists: CandidateLists) -> Tensor:
    """Return the order in which a ranker puts the slots of lists, `[B, K]`."""
    with torch.inference_mode():
        scores: Tensor = cast(ranker.score(lists))  # type: ignore[attr-defined]
    return places(scores.clone(), lists.mask).float()


@check(
    "predictor", "filter", "ranker",
    sentence="Padding does not change the outputs.",
    remedy="Mask the padding: `lengths` has the number of events of each row, `mask` is true for slots with an item.",
)  # fmt: skip
def padding_invariance(subject: Subject) -> None:
    """The check queries a history of two events alone, and padded in a batch with one of 24. A list gets three empty slots.

    A mean over all positions, a reversed sequence or unmasked attention reads padding as if it were events.
    """
    part, world = subject.fitted, subject.world
    if subject.stage == "ranker":
        lists, k = world.lists, world.lists.items.shape[1]
        wider = replace(
            lists,
            items=torch.nn.functional.pad(lists.items, (0, 3)),
            scores=torch.nn.functional.pad(lists.scores, (0, 3), value=-torch.inf),
            features=torch.nn.functional.pad(lists.features, (0, 0, 0, 3)),
        )
        a, b = _order(part, lists), _order(part, wider)[:, :k]
        a, b = (order.where(lists.mask, -1) for order in (a, b))
    else:
        queries = subject.queries(with_histories)
        longest = int(queries.lengths.argmax())
        pair = queries.at(np.array([0, longest]))
        pair = replace(pair, end=np.array([pair.log.offsets[pair.row[0]] + 2, pair.end[1]]))
        a, b = (subject.ask(part, world, some) for some in (pair[:1], pair))
    require(not (found := difference(a, b[: len(a)])), f"outputs without and with padding: {found}")


@check(
    "predictor", "filter", "ranker", "featurizer",
    sentence="Repeated queries give bit-identical outputs.",
    remedy="Draw no random numbers and change no state during inference.",
)  # fmt: skip
def repeatable(subject: Subject) -> None:
    """The check queries an instance twice. Inference must not change its state."""
    answers = [subject.ask(subject.fitted, subject.world) for _ in range(2)]
    require(not (found := difference(*answers, exact=True)), f"the first and the second output: {found}")


@check(
    "predictor",
    sentence="The scores do not share memory with the fitted state.",
    remedy="Return new memory: `.repeat`, `.clone()` or a product, not a fitted tensor or a view of one.",
)  # fmt: skip
def own_memory(subject: Subject) -> None:
    """The check overwrites all scores with -inf, as the core does for excluded items, and queries the component again.

    It does so with one query and with many: `expand` and indexing can return a view of the fitted tensor.
    """
    world = shop()
    part = subject.fit(world)
    for queries in (subject.queries()[:1], subject.queries()):
        before = subject.ask(part, world, queries)
        with torch.inference_mode():
            cast(part.score(queries)).contiguous().fill_(-torch.inf)
        found = difference(before, subject.ask(part, world, queries))
        require(not found, f"after the core wrote into the scores of {len(queries)} queries: {found}")


@check(
    "predictor",
    sentence="`score_items` gives the same scores as `score`.",
    remedy="Return the scores of the given items, `[B, K]`; or do not override `score_items`.",
)  # fmt: skip
def score_items(subject: Subject) -> None:
    """The check calls `score_items` with four items for each query, and compares the result with those columns of `score`."""
    queries = subject.queries(with_histories)
    items = torch.from_numpy(np.random.default_rng(2).integers(1, queries.log.n_items + 1, (len(queries), 4)))
    with torch.inference_mode():
        some = subject.fitted.score_items(queries, items).cpu()
    found = difference(subject.ask(subject.fitted, subject.world, queries).gather(1, items), some)
    require(not found, f"`score` and `score_items`: {found}")


@check(
    "predictor", only="predictors that override `recommend`", when=_makes_lists,
    sentence="The padding item 0 is never recommended, and lists are well formed.",
    remedy="Apply `exclusions` to the scores before selecting the top K, or do not override `recommend`.",
)  # fmt: skip
def padding(subject: Subject) -> None:
    """In lists of ten, item 0 occurs only in empty slots, which come last and score -inf; no item occurs twice; scores are sorted in descending order."""
    lists = _recommended(subject, 10)
    filled = lists.items > 0
    require(not (~filled & lists.scores.isfinite()).any(), "item 0 occurs in a list with a finite score")
    require(bool((filled[:, :-1] | ~filled[:, 1:]).all()), "an empty slot comes before a filled one")
    rises = (lists.scores[:, 1:] > lists.scores[:, :-1]) & filled[:, 1:]
    require(not rises.any(), "a score is higher than the one before it")
    for row in lists.items:
        items = row[row > 0]
        require(len(np.unique(items)) == len(items), f"an item occurs twice in a list: {items.tolist()}")


@check(
    "predictor", only="predictors that override `recommend`", when=_makes_lists,
    sentence="Excluded items are not recommended.",
    remedy="Apply `exclusions` to the scores before selecting the top K, or do not override `recommend`.",
)  # fmt: skip
def exclusions(subject: Subject) -> None:
    """Lists contain no item of the query's history, no item that a filter removes, and no item that is excluded for all queries."""
    queries = subject.queries(with_histories)
    h, width = queries.histories, queries.log.n_items + 1
    allowed = torch.arange(width).expand(len(queries), -1) % 5 != torch.arange(len(queries))[:, None] % 5
    rows, items = torch.from_numpy(h.rows), torch.from_numpy(h.items).long()
    excluded = Exclusions(torch.tensor([0, 1, 7]), rows, items, allowed)
    with torch.inference_mode():
        found = subject.fitted.recommend(queries, 10, excluded).cpu()
    wrong = excluded.violated(found.items)
    require(not wrong.any(), f"{int(wrong.sum())} of {wrong.numel()} slots hold an excluded item")


@check(
    "predictor", only="predictors that override `recommend`", when=_makes_lists,
    sentence="`recommend` accepts a K larger than the catalogue.",
    remedy="Select `min(k, I)` items and fill up with item 0 and -inf, or do not override `recommend`.",
)  # fmt: skip
def large_k(subject: Subject) -> None:
    """If K exceeds the number of items, `recommend` returns lists of length K with empty slots at the end."""
    k = subject.world.log.n_items + 7
    lists = _recommended(subject, k)
    n = len(subject.queries(with_histories))
    require(tuple(lists.items.shape) == (n, k), f"with k={k}, the shape of the lists is {tuple(lists.items.shape)}")


def _recommended(subject: Subject, k: int) -> Candidates:
    """Return lists for the queries with a history, with only the padding excluded."""
    with torch.inference_mode():
        found: Candidates = subject.fitted.recommend(subject.queries(with_histories), k, Exclusions.only_padding())
    return found.cpu()


@check(
    "predictor", "filter",
    sentence="A query without a history gets a valid output.",
    remedy="Score all items alike, or by popularity; a filter keeps all items. Look for divisions by the length.",
)  # fmt: skip
def empty_history(subject: Subject) -> None:
    """The first visit of a new customer is a query without events. Its scores must not be NaN, alone or in a batch with others."""
    queries = subject.queries(lambda q: q.lengths == 0)
    require(len(queries) > 0, "the shop has no such query")
    known = torch.from_numpy(subject.world.training.known)
    for some in (queries, subject.queries()):
        scores = subject.ask(subject.fitted, subject.world, some)[torch.from_numpy(some.lengths == 0)][:, known]
        require(not scores.isnan().any(), f"{int(scores.isnan().sum())} of {scores.numel()} scores are NaN")
