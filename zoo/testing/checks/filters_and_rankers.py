"""Filters, rankers and featurizers: checks that are specific to these stages."""

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
from zoo.testing.shape_checks import cast
from zoo.testing.subject import SETTINGS, Subject, difference


@check(
    "filter",
    sentence="The filter keeps at least one item for every query.",
    remedy="Keep all items if the query lacks what the filter reads, such as a history; or choose `tiny` parameters that keep some.",
)  # fmt: skip
def leaves_something(subject: Subject) -> None:
    """For each query of the shop, including those without a history, the filter keeps at least one item that occurs in training."""
    known = torch.from_numpy(subject.world.training.known)
    kept = subject.answer[:, known].sum(1)
    require(bool((kept > 0).all()), f"{int((kept == 0).sum())} of {len(kept)} queries have no item left")


@check(
    "ranker",
    sentence="A ranker does not modify the candidate lists.",
    remedy="Return scores, and copy `items`, `scores` or `features` before writing into them.",
)  # fmt: skip
def only_orders(subject: Subject) -> None:
    """The check compares a hash of the items, scores and features of the lists before and after.

    The core sorts the candidates by the ranker's scores and gives it copies, so what it writes into its input is lost.
    """
    require(not subject.first_use.lists_changed, "`fit` or `score` wrote into the lists")


@check(
    "ranker", only="rankers that are trainable", when=lambda s: s.capabilities.trainable,
    sentence="Missing feature values give no NaN score.",
    remedy="Impute NaN in `features` the same way in `fit` and in `score`: with the training mean, or with a constant.",
)  # fmt: skip
def gaps(subject: Subject) -> None:
    """The check removes the rank feature of about a third of the candidates, for `fit` and for `score`.

    The core's own features have no missing values; the columns of judged lists may.
    """
    world = shop()
    column = world.lists.columns.index("rank")

    def remove_ranks(lists: CandidateLists) -> CandidateLists:
        features = lists.features.clone()
        features[..., column] = features[..., column].masked_fill(lists.items % 3 == 0, torch.nan)
        return replace(lists, features=features)

    incomplete = replace(world, labelled=remove_ranks(world.labelled), lists=remove_ranks(world.lists))
    scores = subject.ask(subject.fit(incomplete), incomplete)
    missing = int((scores.isnan() & incomplete.lists.mask).sum())
    require(not missing, f"{missing} of {int(incomplete.lists.mask.sum())} candidates got a NaN score")


@check(
    "featurizer",
    sentence="The features of an item depend only on that item.",
    remedy="Compute statistics over items (means, vocabularies, frequencies) in `fit`, not in `transform`.",
)  # fmt: skip
def row_alone(subject: Subject) -> None:
    """The check transforms the catalogue as it is, shuffled, and only half of it; each item must get the same row.

    New items arrive later, a few at a time, and the catalogue at serving time may differ from the one used in training.
    """
    catalogue, n = subject.world.catalogue, len(subject.world.catalogue)
    shuffled = np.concatenate([[0], np.random.default_rng(1).permutation(n - 1) + 1])
    for what, chosen in (("shuffled", shuffled), ("in part", shuffled[: n // 2])):
        taken = pa.array(chosen)
        part = Catalogue(catalogue.ids.take(taken), catalogue.table.take(taken))
        rows = subject.ask(subject.fitted, replace(subject.world, catalogue=part))
        found = difference(subject.answer[torch.from_numpy(chosen)], rows)
        require(not found, f"the catalogue {what}: {found}")


@check(
    "featurizer", only="featurizers that override `fit_transform`",
    when=lambda s: s.target.fit_transform is not Featurizer.fit_transform,  # type: ignore[attr-defined]
    sentence="`fit_transform` gives the same result as `fit` followed by `transform`.",
    remedy="Set in `fit_transform` everything that `fit` sets, and return what `transform` would; or do not override it.",
)  # fmt: skip
def fit_transform(subject: Subject) -> None:
    """A run calls `fit_transform`; a loaded artifact calls `transform` on the saved state. Both must give the same features.

    The check compares the result of `fit_transform`, that of `transform` on the same instance, and that of `transform` on
    an instance after `fit` alone.
    """
    world, part = shop(), subject.build()
    features = cast(
        part.fit_transform(
            world.data(subject.capabilities), RunContext(training=TrainingEnvironment(settings=SETTINGS))
        )
    )
    name = type(features).__name__
    require(isinstance(features, ItemFeatures), f"`fit_transform` returned {name}, expected zoo.api.ItemFeatures")
    require(
        len(features.values) == len(world.catalogue),
        f"`fit_transform` returned {len(features.values)} rows for {len(world.catalogue)} items",
    )
    at_once = features.rows(torch.arange(len(world.catalogue))).detach()
    for what, answer in (
        ("`transform` after it", subject.ask(part, world)),
        ("`transform` after `fit`", subject.answer),
    ):
        found = difference(at_once, answer)
        require(not found, f"`fit_transform` and {what}: {found}")
