"""Capabilities: what a component says it can do, it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ConfigError
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import SETTINGS, Subject, as_of_new_users, difference, with_histories
from zoo.testing.variants import with_sparse_features


@check(
    *FITTED_STAGES, needs="class", only="those that declare that they learn nothing",
    when=lambda s: not s.capabilities.trainable,
    sentence="What learns nothing names nothing in `fitted`.",
    remedy="Where `fit` sets something, a copied column too, leave `trainable` at True; where it does not, leave `fitted` empty.",
)  # fmt: skip
def untaught(subject: Subject) -> None:
    """`Capabilities(trainable=False)` says that there is nothing to fit, and `fitted` names what a fit sets: only one can be true."""
    named = tuple(subject.build().fitted)
    require(not named, f"it declares that it learns nothing, and `fitted` names {', '.join(named)}")


@check(
    "predictor", only="those that declare that they serve new users", when=lambda s: s.capabilities.cold_users,
    sentence="New users are served from their history.",
    remedy="Score from the history, not from a vector a user; or declare `Capabilities(cold_users=False)`.",
)  # fmt: skip
def new_users(subject: Subject) -> None:
    """Where the answers to known users differ by what they took, they do so with `users` set to 0 as well."""
    queries = subject.queries(with_histories)
    own, new = (subject.ask(subject.fitted, subject.world, q) for q in (queries, as_of_new_users(queries)))
    known = torch.from_numpy(subject.world.training.known)
    if _n_lists(own[:, known]) > 1:
        require(_n_lists(new[:, known]) > 1, "known users get lists of their own, new users all the same one")


@check(
    "predictor", only="those that declare that they score new items", when=lambda s: bool(s.capabilities.cold_items),
    sentence="Items that did not occur in training are scored, and may stand in a history.",
    remedy="Give them a finite score from their features; or declare `Capabilities(cold_items=False)`, and the core keeps them away.",
)  # fmt: skip
def new_items(subject: Subject) -> None:
    """The scores of the shop's new items are finite, also for a history of nothing but new items."""
    new = torch.from_numpy(np.flatnonzero(~subject.world.training.known)[1:])
    scores = subject.ask(subject.fitted, subject.world, subject.queries(with_histories))[:, new]
    require(bool(scores.isfinite().all()), f"{int((~scores.isfinite()).sum())} of {scores.numel()} are not finite")
    queries = subject.queries(with_histories)[:3]
    log = queries.compact().log
    strange = replace(log, items=new.numpy()[np.arange(len(log)) % len(new)].astype(np.int32))
    scores = subject.ask(subject.fitted, subject.world, replace(queries.compact(), log=strange))
    require(not scores.isnan().any(), "a history of new items gives NaN")


@check(
    "predictor", "filter", "ranker", only="those that read features",
    when=lambda s: s.capabilities.features != "none",
    sentence="Without item features it says what is missing, or does without.",
    remedy="Where features are required, raise `ConfigError` and tell the user to give the model a `featurizer`; where they "
    "are optional, go on.",
)  # fmt: skip
def missing_features(subject: Subject) -> None:
    """Fitted and asked without features, it raises `ConfigError` if it declares them required, and answers if optional."""
    required = subject.capabilities.features == "required"
    world, part = shop(), subject.build()
    world = replace(world, lists=replace(world.lists, vectors=None), labelled=replace(world.labelled, vectors=None))
    try:
        if subject.stage == "ranker":
            subject.fit(world, part=part)
        else:
            part.fit(
                replace(world.data(subject.capabilities), features=None),
                RunContext(training=TrainingEnvironment(settings=SETTINGS)),
            )
        subject.ask(part, world)
    except ConfigError as error:
        require(required, f"it declares features optional, and without them it raises: {error}")
        return
    except Exception as error:  # which error it is, is the question
        require(False, f"without features it raises {type(error).__name__}: {error}")
    require(not required, "it declares features required, and goes on without them")


@check(
    "predictor", "filter", "ranker", only="those that read features", when=lambda s: s.capabilities.features != "none",
    sentence="Dense and sparse features are the same features.",
    remedy="Ask `features.is_sparse`, and take `features.sparse()` or `features.rows(items)`.",
)  # fmt: skip
def feature_layout(subject: Subject) -> None:
    """Fitted on the same item features in both layouts, it answers alike: a user may choose any featurizer."""
    world = with_sparse_features(shop())
    # A training carries what another order of additions changes far.
    found = difference(
        subject.answer, subject.ask(subject.fit(world), world), loose=subject.capabilities.trains_in_epochs
    )
    require(not found, f"dense and sparse features: {found}")


def _n_lists(scores: Tensor) -> int:
    """Return how many different rows there are."""
    return len(np.unique(scores.numpy(), axis=0))
