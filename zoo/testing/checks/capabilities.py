"""Capabilities: a component does what it declares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ConfigError
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import SETTINGS, Subject, difference, with_histories
from zoo.testing.variants import with_sparse_features


@check(
    *FITTED_STAGES, needs="class", only="components that declare `trainable=False`",
    when=lambda s: not s.capabilities.trainable,
    sentence="A component that is not trainable has an empty `fitted`.",
    remedy="If `fit` sets anything, even a copied column, leave `trainable` at True; otherwise leave `fitted` empty.",
)  # fmt: skip
def untaught(subject: Subject) -> None:
    """`Capabilities(trainable=False)` declares that there is nothing to fit; `fitted` lists what `fit` sets. The two contradict each other."""
    named = tuple(subject.build().fitted)
    require(not named, f"it declares `trainable=False`, and `fitted` lists {', '.join(named)}")


@check(
    "predictor", only="predictors that declare that they serve new users", when=lambda s: s.capabilities.cold_users,
    sentence="New users get recommendations based on their history.",
    remedy="Score from the history, not from a vector per user; or declare `Capabilities(cold_users=False)`.",
)  # fmt: skip
def new_users(subject: Subject) -> None:
    """If the scores of known users depend on their histories, they must also do so with `users` set to 0."""
    queries = subject.queries(with_histories)
    own, new = (subject.ask(subject.fitted, subject.world, q) for q in (queries, _as_of_new_users(queries)))
    known = torch.from_numpy(subject.world.training.known)
    if _n_lists(own[:, known]) > 1:
        require(_n_lists(new[:, known]) > 1, "known users get different lists, all new users get the same one")


@check(
    "predictor", only="predictors that declare `needs_history=False`", when=lambda s: not s.capabilities.needs_history,
    sentence="A query without a history gets an order of the items, not the order of their numbers.",
    remedy="Order the items without a history too, for example by popularity; or leave `needs_history` at True, and the core gives "
    "such a query the fallback of the experiment.",
)  # fmt: skip
def without_history(subject: Subject) -> None:
    """The ten best training items for the shop's query without a history must not be those with the lowest numbers.

    Equal scores are ordered by item number, which is a hash of the id: such a list is nobody's answer. Scores of -inf are no answer
    either.
    """
    queries = subject.queries(lambda q: q.lengths == 0)
    known = np.flatnonzero(subject.world.training.known)
    scores = subject.ask(subject.fitted, subject.world, queries)[:, torch.from_numpy(known)].numpy()
    for row in scores:
        best = known[np.argsort(-row, kind="stable")][:10]
        require(
            bool((row > -np.inf).any() and (best != known[:10]).any()),
            f"it declares `needs_history=False`, and its best items are those with the lowest numbers: {best.tolist()}",
        )


@check(
    "predictor", only="predictors that declare that they score new items", when=lambda s: bool(s.capabilities.cold_items),
    sentence="Items that did not occur in training get a score, and may occur in a history.",
    remedy="Compute a finite score from their features; or declare `Capabilities(cold_items=False)`, and the core removes such items.",
)  # fmt: skip
def new_items(subject: Subject) -> None:
    """The scores of the shop's new items are finite, even for a history that contains only new items."""
    new = torch.from_numpy(np.flatnonzero(~subject.world.training.known)[1:])
    scores = subject.ask(subject.fitted, subject.world, subject.queries(with_histories))[:, new]
    require(bool(scores.isfinite().all()), f"{int((~scores.isfinite()).sum())} of {scores.numel()} are not finite")
    queries = subject.queries(with_histories)[:3]
    log = queries.compact().log
    strange = replace(log, items=new.numpy()[np.arange(len(log)) % len(new)].astype(np.int32))
    scores = subject.ask(subject.fitted, subject.world, replace(queries.compact(), log=strange))
    require(not scores.isnan().any(), "a history of new items gives NaN")


@check(
    "predictor", "filter", "ranker", only="components that read features",
    when=lambda s: s.capabilities.features != "none",
    sentence="Missing item features raise a clear error, or are handled if optional.",
    remedy="If features are required, raise `ConfigError` and tell the user to give the model a `featurizer`; if they are "
    "optional, work without them.",
)  # fmt: skip
def missing_features(subject: Subject) -> None:
    """The check fits and queries it without features. It must raise `ConfigError` if it declares them required, and answer if optional."""
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
    except Exception as error:  # any other error fails the check
        require(False, f"without features it raises {type(error).__name__}: {error}")
    require(not required, "it declares features required, and works without them")


@check(
    "predictor", "filter", "ranker", only="components that read features", when=lambda s: s.capabilities.features != "none",
    sentence="Dense and sparse features give the same outputs.",
    remedy="Check `features.is_sparse`, and use `features.sparse()` or `features.rows(items)`.",
)  # fmt: skip
def feature_layout(subject: Subject) -> None:
    """The check fits it on the same item features in both layouts and compares the outputs: users may combine it with any featurizer."""
    world = with_sparse_features(shop())
    # Training amplifies the rounding differences between two orders of summation.
    found = difference(
        subject.answer, subject.ask(subject.fit(world), world), loose=subject.capabilities.trains_in_epochs
    )
    require(not found, f"dense and sparse features: {found}")


@check(
    "predictor", "ranker", "metric", needs="class", only="components with a text parameter that names a declared column",
    when=lambda s: bool(_column_params(s)),
    sentence="The declared columns follow the parameters.",
    remedy="Make the capabilities a function of the parameters, as in `capabilities=lambda p: Capabilities(columns=(p.column,))`.",
)  # fmt: skip
def declared_columns(subject: Subject) -> None:
    """The check gives each parameter that names a declared column another one, which must then be declared.

    The component gets only the columns that it declares, so with another column it would fail in every benchmark.
    """
    for name, column in _column_params(subject).items():
        of_users = column in subject.capabilities.user_columns
        first, second = ("region", "segment") if of_users else ("category", "brand")
        other = first if column != first else second
        try:
            params = subject.params.model_validate({**subject.params.model_dump(), name: other})
        except ValueError:  # a choice of its own, not any column
            continue
        capabilities = subject.component.capabilities(params)
        found = capabilities.user_columns if of_users else capabilities.columns
        require(other in found, f"with {name} = {other!r} it declares the columns {', '.join(found) or 'none'}")


def _column_params(subject: Subject) -> dict[str, str]:
    """Return the parameters whose value is a declared column, with the value."""
    values = subject.params.model_dump()
    declared = {*subject.capabilities.columns, *subject.capabilities.user_columns}
    return {k: v for k, v in values.items() if isinstance(v, str) and v in declared}


def _n_lists(scores: Tensor) -> int:
    """Return how many different rows there are."""
    return len(np.unique(scores.numpy(), axis=0))


def _as_of_new_users(queries: Queries) -> Queries:
    """Return the queries as if all users were new."""
    return replace(queries, users=np.zeros_like(queries.users))
