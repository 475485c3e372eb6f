"""Scoring: an answer belongs to its query alone, whatever comes with it."""

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
from zoo.testing.subject import Subject, difference, places, with_histories


def _makes_lists(subject: Subject) -> bool:
    """Return whether a predictor takes the top K by itself."""
    return getattr(subject.target, "recommend", None) is not Predictor.recommend


@check(
    *FITTED_STAGES, needs="fit",
    sentence="Answers have the shape and the type that their stage asks for.",
    remedy="Return `[B, I]` float32 scores, a `[B, I]` or `[1, I]` bool mask, `[B, K]` float32 scores of lists, or "
    "`[I, D]` float32 features with D names and zeros for item 0; `I` counts the padding.",
)  # fmt: skip
def shape(subject: Subject) -> None:
    """A predictor scores every item of the vocabulary, those outside training and the padding too.

    A filter says yes or no to each, once for all queries or once a query; a ranker scores each slot of each list; a
    featurizer gives each item of a catalogue a row, and the padding a row of zeros. Asked for one query, and for many.
    Where this check fails, those that look into the answers are not run.
    """
    subject.require_shape()


@check(
    "featurizer", "predictor", "ranker",
    sentence="No answer is NaN, and none is infinitely good.",
    remedy="Look for a division by a count, a length or a norm that can be zero.",
)  # fmt: skip
def finite(subject: Subject) -> None:
    """Of a predictor the scores of queries with a history count, at items that the core may show; -inf is allowed.

    A NaN makes an order meaningless: the core refuses it, in the middle of somebody's evaluation.
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
    sentence="A query alone gets the answer that it gets in a batch, in whatever order.",
    remedy="Let no row read another one: no statistics of the batch, no position in it, evaluation mode in networks.",
)  # fmt: skip
def batch_invariance(subject: Subject) -> None:
    """Queries whose histories are equally long are asked together, one by one, and in reverse order.

    Rankers get full lists; of them the order counts. What an order of additions changes in the last digits is tolerated.
    """
    asked, part = _alike(subject), subject.fitted
    together = asked(part, np.arange(8))
    alone = torch.cat([asked(part, np.array([i])) for i in range(8)])
    require(not (found := difference(together, alone)), f"eight at once and one by one: {found}")
    reverse = asked(part, np.arange(8)[::-1].copy()).flip(0)
    require(not (found := difference(together, reverse)), f"eight, and the same in reverse order: {found}")


def _alike(subject: Subject) -> Callable[[object, np.ndarray], Tensor]:
    """Return a function that asks for some of the queries or lists that have one length."""
    if subject.stage == "ranker":
        full = subject.world.lists.mask.all(1).nonzero().squeeze(1)
        return lambda part, chosen: _order(part, lists_at(subject.world.lists, full[torch.from_numpy(chosen)]))
    queries = subject.queries(lambda q: q.lengths >= 3)
    queries = replace(queries, end=queries.log.offsets[queries.row] + 3)
    return lambda part, chosen: subject.ask(part, subject.world, queries.at(chosen))


def _order(ranker: object, lists: CandidateLists) -> Tensor:
    """Return the order that a ranker gives to lists, `[B, K]`, as slots."""
    with torch.inference_mode():
        scores: Tensor = ranker.score(lists)  # type: ignore[attr-defined]
    return places(scores.clone(), lists.mask).float()


@check(
    "predictor", "filter", "ranker",
    sentence="Padding changes nothing.",
    remedy="Mask what is padded: `lengths` says how many events a row has, `mask` which slots hold an item.",
)  # fmt: skip
def padding_invariance(subject: Subject) -> None:
    """A query with two events is asked alone, and together with one of 24, which pads it; a list gets three empty slots.

    A mean over all positions, a reversed sequence or an unmasked attention reads padding as if it were events.
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
        a, b = (subject.ask(part, world, asked) for asked in (pair[:1], pair))
    require(not (found := difference(a, b[: len(a)])), f"without and with padding: {found}")


@check(
    "predictor", "filter", "ranker", "featurizer",
    sentence="The same question gets the same answer, to the last bit.",
    remedy="Draw no random numbers and keep no account while answering.",
)  # fmt: skip
def repeatable(subject: Subject) -> None:
    """An instance is asked twice. Answering is no learning: what was asked before must not show."""
    world = shop()
    part = subject.fit(world)
    answers = [subject.ask(part, world) for _ in range(2)]
    require(not (found := difference(*answers, exact=True)), f"the first and the second time: {found}")


@check(
    "predictor",
    sentence="The core may write into the scores.",
    remedy="Return memory of your own: `.repeat`, `.clone()` or a product, not a fitted tensor or a view of one.",
)  # fmt: skip
def own_memory(subject: Subject) -> None:
    """All scores are overwritten with -inf, as the core does with those of excluded items, and asked for again.

    For one query and for many: `expand` and indexing hand out the fitted tensor itself.
    """
    world = shop()
    part = subject.fit(world)
    for queries in (subject.queries()[:1], subject.queries()):
        before = subject.ask(part, world, queries)
        with torch.inference_mode():
            part.score(queries).contiguous().fill_(-torch.inf)
        found = difference(before, subject.ask(part, world, queries))
        require(not found, f"after the core wrote into the scores of {len(queries)} queries: {found}")


@check(
    "predictor",
    sentence="`score_items` gives the scores that `score` gives.",
    remedy="Take the columns of the items asked for, `[B, K]`; or leave `score_items` to the core.",
)  # fmt: skip
def score_items(subject: Subject) -> None:
    """Four items of each query are scored by themselves and taken out of all scores."""
    queries = subject.queries(with_histories)
    items = torch.from_numpy(np.random.default_rng(2).integers(1, queries.log.n_items + 1, (len(queries), 4)))
    with torch.inference_mode():
        some = subject.fitted.score_items(queries, items).cpu()
    found = difference(subject.ask(subject.fitted, subject.world, queries).gather(1, items), some)
    require(not found, f"all and some: {found}")


@check(
    "predictor", only="those that override `recommend`", when=_makes_lists,
    sentence="The padding, item 0, is never recommended, and lists are well formed.",
    remedy="Apply `exclusions` to the scores before the top K, or leave `recommend` to the core.",
)  # fmt: skip
def padding(subject: Subject) -> None:
    """Lists of ten: item 0 only in empty slots, which come last and score -inf; no item twice; best first."""
    lists = _recommended(subject, 10)
    filled = lists.items > 0
    require(not (~filled & lists.scores.isfinite()).any(), "item 0 stands in a list with a score")
    require(bool((filled[:, :-1] | ~filled[:, 1:]).all()), "an empty slot stands before a filled one")
    rises = (lists.scores[:, 1:] > lists.scores[:, :-1]) & filled[:, 1:]
    require(not rises.any(), "a score is better than the one before it")
    for row in lists.items:
        items = row[row > 0]
        require(len(np.unique(items)) == len(items), f"an item stands twice in a list: {items.tolist()}")


@check(
    "predictor", only="those that override `recommend`", when=_makes_lists,
    sentence="Excluded items are not recommended.",
    remedy="Apply `exclusions` to the scores before the top K, or leave `recommend` to the core.",
)  # fmt: skip
def exclusions(subject: Subject) -> None:
    """What a query has seen, what filters leave out, and what is excluded for all, stays out of its list."""
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
    "predictor", only="those that override `recommend`", when=_makes_lists,
    sentence="More may be asked for than there is.",
    remedy="Take `min(k, I)` items and fill up with item 0 and -inf, or leave `recommend` to the core.",
)  # fmt: skip
def large_k(subject: Subject) -> None:
    """Asked for more items than the catalogue has, `recommend` returns lists of that length, with empty slots at the end."""
    k = subject.world.log.n_items + 7
    lists = _recommended(subject, k)
    n = len(subject.queries(with_histories))
    require(tuple(lists.items.shape) == (n, k), f"asked for {k}, the lists are {tuple(lists.items.shape)}")


def _recommended(subject: Subject, k: int) -> Candidates:
    """Return lists of queries with a history, with nothing but the padding excluded."""
    with torch.inference_mode():
        found: Candidates = subject.fitted.recommend(subject.queries(with_histories), k, Exclusions.only_padding())
    return found.cpu()


@check(
    "predictor", "filter",
    sentence="A query without a history is answered.",
    remedy="Fall back on something for it: popular items, all items; look for divisions by the length.",
)  # fmt: skip
def empty_history(subject: Subject) -> None:
    """The first visit of a new customer is a query without events: no NaN, alone and beside others."""
    queries = subject.queries(lambda q: q.lengths == 0)
    require(len(queries) > 0, "the shop has no such query")
    known = torch.from_numpy(subject.world.training.known)
    for asked in (queries, subject.queries()):
        scores = subject.ask(subject.fitted, subject.world, asked)[torch.from_numpy(asked.lengths == 0)][:, known]
        require(not scores.isnan().any(), f"{int(scores.isnan().sum())} of {scores.numel()} scores are NaN")
