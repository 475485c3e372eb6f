"""Filters, rankers and featurizers: what only they can get wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from zoo.data.catalogue import Catalogue
from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.featurizer import Featurizer
from zoo.stages.item_features import ItemFeatures
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import require
from zoo.testing.subject import SETTINGS, Subject, difference
from zoo.testing.variants import fingerprint


@check(
    "filter",
    sentence="Every query is left something that may be recommended.",
    remedy="Let all items pass where there is nothing to judge by, such as a history; or choose a `tiny` that leaves some.",
)  # fmt: skip
def leaves_something(subject: Subject) -> None:
    """Of the items of training at least one is kept for each query of the shop, for those without a history too."""
    known = torch.from_numpy(subject.world.training.known)
    kept = subject.answer[:, known].sum(1)
    require(bool((kept > 0).all()), f"{int((kept == 0).sum())} of {len(kept)} queries are left nothing")


@check(
    "ranker",
    sentence="Lists stay as they were: a ranker orders, and invents nothing.",
    remedy="Return scores, and copy `items`, `scores` or `features` before you write into them.",
)  # fmt: skip
def only_orders(subject: Subject) -> None:
    """The items, scores and features of the lists are compared by a hash of their bytes, before and after.

    The core puts the candidates in the order of the scores, so that a ranker cannot add one, unless it writes into the
    list that it was handed.
    """
    world = shop()
    before = fingerprint(world, lists=True)
    subject.ask(subject.fit(world), world)
    require(fingerprint(world, lists=True) == before, "fitting or asking wrote into the lists")


@check(
    "ranker", only="those that learn", when=lambda s: s.capabilities.trainable,
    sentence="A feature with gaps gives no NaN score.",
    remedy="Fill what is NaN in `features`, alike in `fit` and in `score`: with a mean of the fit, or with a number of its own.",
)  # fmt: skip
def gaps(subject: Subject) -> None:
    """Every third candidate of the shop's lists has no rank, when fitting and when asked.

    The core's own features have no gaps; the columns of judged lists may.
    """
    world = shop()
    column = world.lists.columns.index("rank")

    def with_gaps(lists: CandidateLists) -> CandidateLists:
        features = lists.features.clone()
        features[..., column] = features[..., column].masked_fill(lists.items % 3 == 0, torch.nan)
        return replace(lists, features=features)

    holed = replace(world, labelled=with_gaps(world.labelled), lists=with_gaps(world.lists))
    scores = subject.ask(subject.fit(holed), holed)
    missing = int((scores.isnan() & holed.lists.mask).sum())
    require(not missing, f"{missing} of {int(holed.lists.mask.sum())} candidates got a NaN score")


@check(
    "featurizer",
    sentence="An item's features depend on that item alone.",
    remedy="Take from `fit` what depends on other items (means, terms, frequencies), not from the catalogue at hand.",
)  # fmt: skip
def row_alone(subject: Subject) -> None:
    """The catalogue is transformed as it is, in another order, and by half: each item keeps its row.

    New items come in later, a few at a time, and a catalogue of a fresh process need not be the one of training.
    """
    catalogue, n = subject.world.catalogue, len(subject.world.catalogue)
    shuffled = np.concatenate([[0], np.random.default_rng(1).permutation(n - 1) + 1])
    for what, chosen in (("in another order", shuffled), ("in part", shuffled[: n // 2])):
        taken = pa.array(chosen)
        part = Catalogue(catalogue.ids.take(taken), catalogue.table.take(taken))
        rows = subject.ask(subject.fitted, replace(subject.world, catalogue=part))
        found = difference(subject.answer[torch.from_numpy(chosen)], rows)
        require(not found, f"the catalogue {what}: {found}")


@check(
    "featurizer", only="those that override `fit_transform`",
    when=lambda s: s.target.fit_transform is not Featurizer.fit_transform,  # type: ignore[attr-defined]
    sentence="To fit and transform at once gives what one after the other does.",
    remedy="Let `fit_transform` set all that `fit` sets, and return what `transform` would; or leave it to the core.",
)  # fmt: skip
def fit_transform(subject: Subject) -> None:
    """A run fits and transforms at once; an artifact transforms with what was saved. Both have to be the same features.

    Compared are what `fit_transform` returns, what the instance then makes of the same catalogue, and what one does that
    was only fitted.
    """
    world, part = shop(), subject.build()
    features = part.fit_transform(
        world.data(subject.capabilities), RunContext(training=TrainingEnvironment(settings=SETTINGS))
    )
    name = type(features).__name__
    require(isinstance(features, ItemFeatures), f"`fit_transform` returned {name}, expected zoo.api.ItemFeatures")
    require(
        len(features.values) == len(world.catalogue),
        f"`fit_transform` made {len(features.values)} rows of {len(world.catalogue)} items",
    )
    at_once = features.rows(torch.arange(len(world.catalogue))).detach()
    for what, answer in (
        ("`transform` after it", subject.ask(part, world)),
        ("`transform` after `fit`", subject.answer),
    ):
        found = difference(at_once, answer)
        require(not found, f"`fit_transform` and {what}: {found}")
