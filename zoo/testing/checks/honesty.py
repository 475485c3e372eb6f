"""Honesty: no component uses future information, and item numbers carry no meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import Subject, difference, places
from zoo.testing.variants import with_new_numbers, with_other_future, without_clock


@check(
    "featurizer", "predictor", "filter",
    sentence="Events after the cutoff do not change the outputs.",
    remedy="Learn from `data.interactions`, never from its `source`; read the history of a query from `histories`, `batch` or "
    "`matrix`, never from the events of `queries.log`.",
)  # fmt: skip
def look_ahead(subject: Subject) -> None:
    """The check fits and queries it in two shops that differ only after the cutoff.

    Later events have different items, types and times, both in the log of the queries and in the source table of additional
    columns. If the outputs differ, the component uses future information, and its results are invalid. The training log is
    cut off by the same function as in a benchmark. There, the core also truncates `queries.log` at the end of the histories;
    here the log continues, to detect components that read past the end.
    """
    world = with_other_future(shop())
    found = difference(subject.answer, subject.ask(subject.fit(world), world))
    require(not found, f"outputs with two different futures: {found}")


@check(
    "featurizer",
    sentence="Items outside training do not affect the features of other items.",
    remedy="Compute vocabularies, categories, means and frequencies only from items where `data.known` is true.",
)  # fmt: skip
def future_catalogue(subject: Subject) -> None:
    """The check changes the columns of items that do not occur in training. The features of known items must stay the same.

    The catalogue includes items that were added to the shop later; their columns were not known at the cutoff.
    """
    world = shop()
    known = world.training.known
    other = np.where(known, np.arange(len(known)), 1)
    table = world.catalogue.table.take(pa.array(other))
    fitted = subject.fit(replace(world, catalogue=replace(world.catalogue, table=table)))
    found = difference(
        subject.answer[torch.from_numpy(known)], subject.ask(fitted, world)[torch.from_numpy(known)]
    )  # fmt: skip
    require(not found, f"features of known items: {found}")


@check(
    "predictor", "filter", "ranker",
    sentence="Scoring does not read the targets.",
    remedy="Do not read `queries.targets`, or, in a ranker's `score`, `lists.labels`.",
)  # fmt: skip
def targets(subject: Subject) -> None:
    """The check queries it with and without the targets (a ranker: with and without labels), and compares the outputs.

    The core removes targets before it queries a component; a component that reads them only works in this check.
    """
    world, part = subject.world, subject.fitted
    if subject.stage == "ranker":
        labels = torch.rand(world.lists.items.shape, generator=torch.Generator().manual_seed(1))
        with_targets = subject.ask(part, replace(world, lists=replace(world.lists, labels=labels)))
    else:
        queries = world.prepare_queries(world.queries, subject.capabilities)
        with_targets = subject.ask(part, world, replace(queries, targets=world.queries.targets))
    found = difference(subject.ask(part, world), with_targets)
    require(not found, f"outputs without and with targets: {found}")


@check(
    "predictor", "filter", "ranker", only="components that declare `deterministic=True`",
    when=lambda s: s.capabilities.deterministic,
    sentence="The numbering of users and items does not affect the outputs.",
    remedy="Use item and user numbers only as indices; declare `Capabilities(deterministic=False)` if the outputs depend on a seed.",
)  # fmt: skip
def renaming(subject: Subject) -> None:
    """The check renumbers users and items in logs, catalogue, features and lists. The outputs must be permuted accordingly.

    Numbers come from a hash of the id. A score that depends on them is noise, or exploits how ids were assigned.
    """
    world = shop()
    other, number = with_new_numbers(world)
    one, two = subject.answer, subject.ask(subject.fit(other), other)
    if subject.stage == "ranker":
        one, two = (places(scores, world.lists.mask).float() for scores in (one, two))
    else:
        one, two = one[:, 1:], two[:, torch.from_numpy(number)][:, 1:]
    require(not (found := difference(one, two)), f"outputs with the old and the new numbers: {found}")


@check(
    *FITTED_STAGES, only="components that declare `needs_time=False`", when=lambda s: not s.capabilities.needs_time,
    sentence="Only the order of timestamps affects the outputs.",
    remedy="Read only the order of events; or declare `Capabilities(needs_time=True)`, and the core refuses data without real times.",
)  # fmt: skip
def clock(subject: Subject) -> None:
    """The check replaces timestamps with ranks in the order of all events. The outputs must stay the same.

    A component that does not need real times also gets data whose times are positions or line numbers.
    """
    world = without_clock(shop())
    found = difference(subject.answer, subject.ask(subject.fit(world), world))
    require(not found, f"outputs with timestamps and with ranks: {found}")
