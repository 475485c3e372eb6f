"""Honesty: nothing is known before it happened, and a number is a name and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import Subject, difference, places
from zoo.testing.variants import renamed, with_other_future, without_clock


@check(
    "featurizer", "predictor", "filter",
    sentence="What happens after the cutoff changes nothing.",
    remedy="Learn from `data.interactions`, never from its `source`; read what came before a query from `histories`, `batch` or "
    "`matrix`, never from the events of `queries.log`.",
)  # fmt: skip
def look_ahead(subject: Subject) -> None:
    """Fitted and asked in two shops that differ in what comes after the cutoff, and in nothing else.

    Later events have other items, types and times, in the log that the queries lie in and in the table that further
    columns come from. A component whose answers differ has seen the future, and its figures are worth nothing. In a run the
    core cuts `queries.log` where the histories end; here it goes on, so that a component that reads on is found out.
    """
    answers = [subject.ask(subject.fit(world), world) for world in (shop(), with_other_future(shop()))]
    require(not (found := difference(*answers)), f"with one future and with another: {found}")


@check(
    "featurizer",
    sentence="Items outside training change nothing for the others.",
    remedy="Collect terms, categories, means and frequencies from the items that `data.known` marks.",
)  # fmt: skip
def future_catalogue(subject: Subject) -> None:
    """The items that do not occur in training get other columns before the fit; the known ones keep their features.

    The catalogue holds items that came into the shop later; what is said of them was not known at the cutoff.
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
    sentence="The targets are not read.",
    remedy="Do not touch `queries.targets`, nor, when ranking, `lists.labels`.",
)  # fmt: skip
def targets(subject: Subject) -> None:
    """Asked with the targets (a ranker: with labels) and without, it answers alike.

    The core takes them away before it asks anything; a model that tries anyway is no model.
    """
    world = shop()
    part = subject.fit(world)
    if subject.stage == "ranker":
        labels = torch.rand(world.lists.items.shape, generator=torch.Generator().manual_seed(1))
        told = subject.ask(part, replace(world, lists=replace(world.lists, labels=labels)))
    else:
        queries = world.seen_by(world.queries, subject.capabilities)
        told = subject.ask(part, world, replace(queries, targets=world.queries.targets))
    require(not (found := difference(subject.ask(part, world), told)), f"without and with targets: {found}")


@check(
    "predictor", "filter", "ranker", only="those that declare themselves deterministic",
    when=lambda s: s.capabilities.deterministic,
    sentence="Other numbers for users and items give the same answers.",
    remedy="Use item and user numbers as indices only; declare `Capabilities(deterministic=False)` where a seed decides.",
)  # fmt: skip
def renaming(subject: Subject) -> None:
    """Users and items are dealt new numbers, in logs, catalogue, features and lists; the answers move along with them.

    Numbers come from a hash of the id. A score that depends on them is noise, or knows how the ids were dealt.
    """
    world = shop()
    other, number = renamed(world)
    one, two = (subject.ask(subject.fit(w), w) for w in (world, other))
    if subject.stage == "ranker":
        one, two = (places(scores, world.lists.mask).float() for scores in (one, two))
    else:
        one, two = one[:, 1:], two[:, torch.from_numpy(number)][:, 1:]
    require(not (found := difference(one, two)), f"under the old and the new numbers: {found}")


@check(
    *FITTED_STAGES, only="those that declare that they need no clock", when=lambda s: not s.capabilities.needs_time,
    sentence="Times say what came first, and no more.",
    remedy="Read the order of events only; or declare `Capabilities(needs_time=True)`, and data without a clock are refused.",
)  # fmt: skip
def clock(subject: Subject) -> None:
    """Times are replaced by places in the order of all events, and the answers stay.

    Data whose times are positions or the order of a file are handed to every component that needs no clock.
    """
    world = without_clock(shop())
    found = difference(subject.answer, subject.ask(subject.fit(world), world))
    require(not found, f"with times and with places: {found}")
