"""Fitting: the result depends only on the data, the parameters and the seed."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch

from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.epochs import training_of
from zoo.stages.ranking_data import RankingData
from zoo.testing.check import check
from zoo.testing.data import cycle, shop
from zoo.testing.first_use import global_randomness
from zoo.testing.requirement import FITTED_STAGES, NotApplicableError, require
from zoo.testing.subject import SETTINGS, Subject, difference
from zoo.testing.variants import with_new_numbers


@check(
    *FITTED_STAGES, needs="class",
    sentence="It can be fitted and queried on the kit's shop with its `tiny` parameters.",
    remedy="Fix the error; if `tiny` names columns, use those of the kit's catalogue (title, description, category, tags, "
    "brand, price, in_stock, available_from, available_until).",
)  # fmt: skip
def fits(subject: Subject) -> None:
    """All later checks build on this one: a fit, and an output for every query, list or item.

    The shop has items and users without a training event, a query without a history, two event types with different
    weights, and real timestamps. If this check fails, the checks that need a fitted instance do not run.
    """
    subject.fit_and_ask()


@check(
    *FITTED_STAGES, only="components with fitted state", when=lambda s: s.has_state,
    sentence="Two fits with the same seed give bit-identical outputs.",
    remedy="Draw all random numbers from `context`; do not iterate over a `set`; keep no state in the class.",
)  # fmt: skip
def same_seed(subject: Subject) -> None:
    """The check fits two instances on the same log with the same seed, but with different states of the global generators.

    Without this property a result cannot be reproduced, and a difference between two runs means nothing.
    """
    with global_randomness(2):  # the first use has another seed
        world = shop()
        again = subject.ask(subject.fit(world), world)
    require(not (found := difference(subject.answer, again, exact=True)), f"outputs of the two fits: {found}")


@check(
    *FITTED_STAGES, only="components with fitted state that declare `deterministic=True`",
    when=lambda s: s.has_state and s.capabilities.deterministic,
    sentence="The outputs of a deterministic component do not depend on the seed.",
    remedy="Draw no random numbers, or declare `Capabilities(deterministic=False)`.",
)  # fmt: skip
def deterministic(subject: Subject) -> None:
    """A benchmark runs a deterministic component once, whatever `seeds` is, so its outputs must not depend on the seed."""
    world = shop()
    found = difference(subject.answer, subject.ask(subject.fit(world, seed=1), world))
    require(not found, f"outputs with the seeds 0 and 1: {found}")


@check(
    *FITTED_STAGES, only="components with fitted state", when=lambda s: s.has_state,
    sentence="A second fit discards the first one.",
    remedy="Start `fit` from scratch; put derived values into a `cached_property`, which a new fit clears.",
)  # fmt: skip
def refit(subject: Subject) -> None:
    """The check fits an instance on another log, queries it, and fits it again on the shop. It must answer like a new instance.

    This finds state that survives a fit, such as sums that keep growing or a cache that is never cleared.
    """
    other, _ = with_new_numbers(shop())
    part = subject.fit(other)
    subject.ask(part, other)
    world = shop()
    found = difference(subject.answer, subject.ask(subject.fit(world, part=part), world))
    require(not found, f"outputs after a first and a second fit: {found}")


@check(
    *FITTED_STAGES,
    sentence="Fitting and inference do not modify the data.",
    remedy="Copy an array before writing into it.",
)  # fmt: skip
def data_unchanged(subject: Subject) -> None:
    """The check compares a hash of the logs, queries, catalogue and item features before and after.

    All stages of a pipeline, and all models of a benchmark, share these arrays.
    """
    require(not subject.first_use.data_changed, "fitting or inference wrote into the data")


class Recorder(pl.Callback):
    """Records the loss of each step, and the parameters that got no gradient."""

    def __init__(self) -> None:
        self.losses = list[float]()
        self.without: set[str] | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record the loss."""
        self.losses.append(float(outputs["loss"]))

    def on_after_backward(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Record the parameters that have had no gradient so far."""
        missed = {
            name
            for name, parameter in pl_module.named_parameters()
            if parameter.requires_grad and (parameter.grad is None or not _is_nonzero(parameter.grad))
        }
        self.without = missed if self.without is None else self.without & missed


def _is_nonzero(grad: torch.Tensor) -> bool:
    return bool((grad.coalesce().values() if grad.is_sparse else grad).abs().sum() > 0)


def _record_training(subject: Subject, epochs: int) -> Recorder:
    """Train a component on the cycle, or a ranker on the shop's lists, and return the record of the training.

    Raises:
        NotApplicableError: The component has its own training loop.
    """
    recorder, world = Recorder(), cycle()
    context = RunContext(
        epochs=epochs,
        training=TrainingEnvironment(
            settings=subject.settings, callbacks=lambda training: [] if training.phase == "pretraining" else [recorder]
        ),
    )
    ranks = subject.stage == "ranker"
    subject.build().fit(RankingData.of(shop().labelled) if ranks else world.data(subject.capabilities), context)
    if not recorder.losses:
        raise NotApplicableError("it has its own training loop")
    return recorder


@check(
    "featurizer", "predictor", "ranker", only="components that the core trains", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="The training loss falls.",
    remedy="Check the sign of the loss, detached tensors, and whether targets and vectors are aligned.",
)  # fmt: skip
def loss_falls(subject: Subject) -> None:
    """The component trains for twelve epochs on the kit's cycle (a ranker: on the shop's lists). The mean loss must fall by at least 5 %."""
    first, *_, last = (
        float(part.mean()) for part in torch.tensor(_record_training(subject, 12).losses).tensor_split(12)
    )
    require(
        last <= first - 0.05 * abs(first),
        f"the mean loss was {first:.4g} in the first twelfth of the training steps and {last:.4g} in the last",
    )


@check(
    "featurizer", "predictor", "ranker", only="components that the core trains", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="Every parameter gets a gradient.",
    remedy="Use the layer in `forward`, or do not create it; freeze a layer explicitly with `requires_grad_(False)`.",
)  # fmt: skip
def gradients(subject: Subject) -> None:
    """In one epoch every parameter must get a nonzero gradient. A parameter without one is an unused layer, or is detached from the loss."""
    missed = sorted(_record_training(subject, 1).without or ())
    require(not missed, f"these parameters got no gradient: {', '.join(missed)}")


@check(
    "predictor", only="predictors that train in epochs", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="It trains for `context.epochs` if set, and otherwise validates and reports the best epoch.",
    remedy="If `context.epochs` is set, train for that many epochs; otherwise call `context.validate(self)` after epochs, "
    "restore the best weights and set `self.trained = Trained(epochs)` to their epoch.",
)  # fmt: skip
def epochs(subject: Subject) -> None:
    """With `context.epochs = 2`, `trained.epochs` must be 2. With `context.validate`, the component must call it.

    The core finds the number of epochs on the validation split, and then fits again on all data for that many epochs.
    """
    trained_for = training_of(subject.fit(shop(), epochs=2)).epochs
    require(trained_for == 2, f"with `context.epochs = 2`, it reports {trained_for} epochs of training")
    validated = list[Any]()

    def validate(part: Any) -> float:
        validated.append(part)
        return 1.0 / len(validated)

    part = subject.fit(shop(), validate=validate, settings=SETTINGS.model_copy(update={"max_epochs": 3}))
    require(bool(validated), "it never called `context.validate`")
    best = training_of(part).epochs
    require(best == 1, f"the first of {len(validated)} validations was the best, and it reports epochs = {best}")
