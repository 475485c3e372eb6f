"""Learning: small problems with a known answer."""

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
"""How networks are trained on these problems."""
MARGIN = 1.5
"""How much better than at random a component has to be."""
SHARE = 0.9
"""How many users it has to serve right where the answer is known."""


@check(
    "predictor", only="those that learn something", when=lambda s: s.capabilities.trainable,
    sentence="It does better than chance.",
    remedy="Look at signs, at the offset of item numbers (0 is padding), and at which way histories run (oldest first).",
)  # fmt: skip
def above_chance(subject: Subject) -> None:
    """In the shop, where users keep to one half and some items are popular, lists of five find 1.5 times what random ones do.

    The items of a half share categories and features, so that each kind of model has something to go by. Items of the
    history may come again.
    """
    found, chance = _of_queries(subject)
    bar = MARGIN * chance
    require(
        found >= bar,
        f"{found:.1%} of what users take next is among its first five items, expected {bar:.1%} or more: {MARGIN} times what "
        f"random lists find",
    )


@check(
    "ranker", only="those that learn something", when=lambda s: s.capabilities.trainable,
    sentence="It learns what users want, even against the order that it is handed.",
    remedy="Learn from `lists.labels` (1 is wanted) which candidates go up, and give these the higher scores; let the "
    "predictor's order be a feature like others. A ranker with nothing to learn declares `Capabilities(trainable=False)`.",
)  # fmt: skip
def upside_down(subject: Subject) -> None:
    """The kit's lists stand upside down: what users wanted is the half to which the predictor gave the lower scores.

    So it is in the 40 lists to learn from, and in 20 others that it then puts in order; a list has eight candidates, or
    five. Of the upper halves that it makes of the 20, 1.5 times what a random order gives has to be wanted. A ranker that
    takes over the predictor's order finds none.
    """
    found, chance = _of_lists(subject)
    bar = MARGIN * chance
    require(
        found >= bar,
        f"{found:.1%} of the upper halves of its lists is wanted, expected {bar:.1%} or more: {MARGIN} times what a random "
        "order gives. In the kit's lists the candidates with the lowest scores are the wanted ones",
    )


def _of_queries(subject: Subject) -> tuple[float, float]:
    """Return which share of what known users take next is among the first five of all known items, and of random ones."""
    asked = (subject.world.queries.users > 0) & with_histories(subject.queries())
    queries, answers = subject.queries().where(asked), subject.world.queries.where(asked).answers()
    known = torch.from_numpy(subject.world.training.known)
    scores = _usable(subject.ask(subject.fitted, subject.world, queries)).masked_fill(~known, -torch.inf)
    rows, items = torch.from_numpy(np.repeat(np.arange(len(queries)), answers.counts)), torch.from_numpy(answers.items)
    rows, items = rows[known[items.long()]], items[known[items.long()]].long()
    not_worse = (scores[rows] >= scores[rows, items][:, None]).sum(1)
    return float((not_worse <= 5).float().mean()), 5 / int(known.sum())


def _of_lists(subject: Subject) -> tuple[float, float]:
    """Return which share of the top halves of lists is wanted, and which share of all candidates."""
    lists = subject.world.lists
    order = places(subject.answer, lists.mask)
    n = lists.mask.sum(1, keepdim=True)
    wanted = (torch.arange(lists.items.shape[1])[None] >= n // 2) & lists.mask
    top = torch.arange(lists.items.shape[1])[None] < n // 2
    return float(wanted.gather(1, order)[top].float().mean()), float(wanted.sum() / n.sum())


@check(
    "predictor", only="those that declare themselves collaborative",
    when=lambda s: s.capabilities.trainable and s.capabilities.collaborative,
    sentence="Of a checkerboard it finds the field that was left out.",
    remedy="Learn which items go together; or declare `Capabilities(collaborative=False)` where others' histories teach nothing.",
)  # fmt: skip
def checkerboard_(subject: Subject) -> None:
    """A hundred users take all fields of one colour but one. Among those that they did not take, this one comes first.

    The test is that of the library `implicit`. Nine users in ten have to be served right; a random list serves one in
    eleven.
    """
    share = _first(subject, checkerboard(), within=1)
    require(
        share >= SHARE, f"the field left out comes first for {share:.0%} of the users, expected {SHARE:.0%} or more"
    )


@check(
    "predictor", only="those that declare themselves collaborative",
    when=lambda s: s.capabilities.trainable and s.capabilities.collaborative,
    sentence="Of a walk on a circle it finds the next step.",
    remedy="Look at the direction of histories and at which position is read; or declare `Capabilities(collaborative=False)`.",
)  # fmt: skip
def cycle_(subject: Subject) -> None:
    """Ninety users walk a circle of 15 items. Among those that they did not take, the next one comes first.

    Nine users in ten have to be served right. A model that does not read the order cannot tell the two ends of a walk
    apart: for it the first two places count.
    """
    world = cycle()
    part = subject.fit(world, settings=LONGER)
    queries = world.seen_by(world.queries, subject.capabilities)
    reads_order = bool(difference(subject.ask(part, world, queries), subject.ask(part, world, _reversed(queries))))
    share = _first(subject, world, within=1 if reads_order else 2, part=part)
    where = "first" if reads_order else "first or second"
    require(share >= SHARE, f"the next item comes {where} for {share:.0%} of the users, expected {SHARE:.0%} or more")


def _first(subject: Subject, world: World, within: int, part: object = None) -> float:
    """Return for which share of a world's queries the target is among the first unseen items."""
    part = subject.fit(world, settings=LONGER) if part is None else part
    queries = world.seen_by(world.queries, subject.capabilities)
    scores = _unseen(subject.ask(part, world, queries), queries, world.training.known)
    target = scores.gather(1, torch.from_numpy(world.queries.answers().items).long()[:, None])
    better = (scores > target).sum(1)
    tied = (scores == target).sum(1) - 1
    return float((better + tied < within).float().mean())


def _unseen(scores: Tensor, queries: Queries, known: NDArray[np.bool_]) -> Tensor:
    """Return scores with -inf where an item is in the history, or not in training."""
    h = queries.histories
    scores = _usable(scores)
    scores[torch.from_numpy(h.rows), torch.from_numpy(h.items).long()] = -torch.inf
    return scores.masked_fill(~torch.from_numpy(known), -torch.inf)


def _usable(scores: Tensor) -> Tensor:
    """Return scores with -inf for NaN, of which another check complains."""
    return scores.nan_to_num(nan=-torch.inf, neginf=-torch.inf)


def _reversed(queries: Queries) -> Queries:
    """Return the queries with each history run backwards."""
    whole = queries.compact()
    log = whole.log
    backwards = np.lexsort((-np.arange(len(log)), log.users))
    return replace(whole, log=replace(log, items=log.items[backwards]))
