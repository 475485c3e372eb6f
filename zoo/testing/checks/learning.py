"""Learning: small problems with a known solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries
from zoo.testing.check import check
from zoo.testing.data import World, checkerboard, cycle
from zoo.testing.requirement import require
from zoo.testing.subject import SETTINGS, Subject, difference, places, with_histories

LONGER = SETTINGS.model_copy(update={"max_epochs": 40, "batch_size": 32, "learning_rate": 0.005})
"""Training settings of networks on these problems."""
MARGIN = 1.5
"""The required ratio of a component's result to that of random lists."""
SHARE = 0.9
"""The required share of users with a correct result, on problems with a known solution."""


@check(
    "predictor", only="predictors that are trainable", when=lambda s: s.capabilities.trainable,
    sentence="It performs better than chance.",
    remedy="Check signs, the offset of item numbers (0 is padding), and the order of histories (oldest event first). If the model "
    "forgets old events, such as popularity with a half-life of days, choose `tiny` parameters that forget less.",
)  # fmt: skip
def above_chance(subject: Subject) -> None:
    """In the shop, users mostly stay in one half of the items, and some items are popular. The recall at 5 must be 1.5 times that of random lists.

    The items of a half share categories and features, so every kind of model has a signal to learn. Items of the history
    may be recommended again. The events are spread over 190 days: a predictor that is not collaborative and forgets within days
    finds little more than chance, and is checked with `tiny` parameters that forget less.
    """
    found, chance = _of_queries(subject)
    bar = MARGIN * chance
    require(
        found >= bar,
        f"{found:.1%} of the items that users take next are among its top five, expected {bar:.1%} or more: {MARGIN} times the "
        f"share for random lists",
    )


@check(
    "ranker", only="rankers that are trainable", when=lambda s: s.capabilities.trainable,
    sentence="It learns from the labels, even against the predictor's order.",
    remedy="Learn from the labels (1 is relevant), and give relevant candidates higher scores; treat the predictor's order as "
    "one feature among others. A ranker with nothing to learn declares `Capabilities(trainable=False)`.",
)  # fmt: skip
def upside_down(subject: Subject) -> None:
    """The order of the kit's lists is reversed: the relevant candidates are the half with the lower predictor scores.

    The ranker learns from 40 such lists and ranks 20 others, of five or eight candidates each. The share of relevant
    candidates in the upper halves must be 1.5 times that of a random order. A ranker that keeps the predictor's order finds
    none.
    """
    found, chance = _of_lists(subject)
    bar = MARGIN * chance
    require(
        found >= bar,
        f"{found:.1%} of the upper halves of its lists is relevant, expected {bar:.1%} or more: {MARGIN} times the share for a "
        "random order. In the kit's lists the candidates with the lowest predictor scores are the relevant ones",
    )


def _of_queries(subject: Subject) -> tuple[float, float]:
    """Return the share of known users' next items among the top five known items, and the share for random lists."""
    used = (subject.world.queries.users > 0) & with_histories(subject.queries())
    queries, answers = subject.queries().where(used), subject.world.queries.where(used).answers()
    known = torch.from_numpy(subject.world.training.known)
    scores = _usable(subject.ask(subject.fitted, subject.world, queries)).masked_fill(~known, -torch.inf)
    rows, items = torch.from_numpy(np.repeat(np.arange(len(queries)), answers.counts)), torch.from_numpy(answers.items)
    rows, items = rows[known[items.long()]], items[known[items.long()]].long()
    not_worse = (scores[rows] >= scores[rows, items][:, None]).sum(1)
    return float((not_worse <= 5).float().mean()), 5 / int(known.sum())


def _of_lists(subject: Subject) -> tuple[float, float]:
    """Return the share of relevant candidates in the upper halves of lists, and among all candidates."""
    lists = subject.world.lists
    order = places(subject.answer, lists.mask)
    n = lists.mask.sum(1, keepdim=True)
    relevant = (torch.arange(lists.items.shape[1])[None] >= n // 2) & lists.mask
    top = torch.arange(lists.items.shape[1])[None] < n // 2
    return float(relevant.gather(1, order)[top].float().mean()), float(relevant.sum() / n.sum())


@check(
    "predictor", only="predictors that are trainable and declare `collaborative=True`",
    when=lambda s: s.capabilities.trainable and s.capabilities.collaborative,
    sentence="It finds the withheld field of a checkerboard.",
    remedy="Learn which items occur together; or declare `Capabilities(collaborative=False)` if the model does not learn from "
    "other users' histories.",
)  # fmt: skip
def checkerboard_(subject: Subject) -> None:
    """Each of 100 users takes all fields of one colour except one. This field must rank first among the fields that the user has not taken.

    The test comes from the library `implicit`. It must succeed for 90 % of the users; a random list succeeds for one in
    eleven.
    """
    share = _first(subject, checkerboard(), within=1)
    require(
        share >= SHARE, f"the withheld field ranks first for {share:.0%} of the users, expected {SHARE:.0%} or more"
    )


@check(
    "predictor", only="predictors that are trainable and declare `collaborative=True`",
    when=lambda s: s.capabilities.trainable and s.capabilities.collaborative,
    sentence="It finds the next item of a walk on a cycle.",
    remedy="Check the order of histories and which position is read; or declare `Capabilities(collaborative=False)`.",
)  # fmt: skip
def cycle_(subject: Subject) -> None:
    """Each of 90 users walks along a cycle of 15 items. The next item must rank first among the items that the user has not taken.

    It must do so for 90 % of the users. A model that ignores the order cannot tell the two ends of a walk apart: for such a
    model the first two ranks count.
    """
    world = cycle()
    part = subject.fit(world, settings=LONGER)
    queries = world.prepare_queries(world.queries, subject.capabilities)
    reads_order = bool(difference(subject.ask(part, world, queries), subject.ask(part, world, _reversed(queries))))
    share = _first(subject, world, within=1 if reads_order else 2, part=part)
    where = "first" if reads_order else "first or second"
    require(share >= SHARE, f"the next item ranks {where} for {share:.0%} of the users, expected {SHARE:.0%} or more")


def _first(subject: Subject, world: World, within: int, part: object = None) -> float:
    """Return the share of a world's queries whose target is among the first `within` unseen items."""
    part = subject.fit(world, settings=LONGER) if part is None else part
    queries = world.prepare_queries(world.queries, subject.capabilities)
    scores = _unseen(subject.ask(part, world, queries), queries, world.training.known)
    target = scores.gather(1, torch.from_numpy(world.queries.answers().items).long()[:, None])
    better = (scores > target).sum(1)
    tied = (scores == target).sum(1) - 1
    return float((better + tied < within).float().mean())


def _unseen(scores: Tensor, queries: Queries, known: NDArray[np.bool_]) -> Tensor:
    """Return scores with -inf for items in the history, or outside training."""
    h = queries.histories
    scores = _usable(scores)
    scores[torch.from_numpy(h.rows), torch.from_numpy(h.items).long()] = -torch.inf
    return scores.masked_fill(~torch.from_numpy(known), -torch.inf)


def _usable(scores: Tensor) -> Tensor:
    """Return scores with -inf for NaN, which the check `finite` reports."""
    return scores.nan_to_num(nan=-torch.inf, neginf=-torch.inf)


def _reversed(queries: Queries) -> Queries:
    """Return the queries with each history reversed."""
    whole = queries.compact()
    log = whole.log
    backwards = np.lexsort((-np.arange(len(log)), log.users))
    return replace(whole, log=replace(log, items=log.items[backwards]))
