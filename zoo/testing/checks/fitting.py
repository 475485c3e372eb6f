"""Fitting: what is learned follows from the data, the parameters and the seed."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch

from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.epochs import training_of
from zoo.stages.ranking import RankingData
from zoo.testing.check import check
from zoo.testing.data import cycle, shop
from zoo.testing.requirement import FITTED_STAGES, NotApplicableError, require
from zoo.testing.subject import SETTINGS, Subject, difference, global_randomness
from zoo.testing.variants import fingerprint, renamed


@check(
    *FITTED_STAGES, needs="class",
    sentence="It can be fitted on the kit's shop with its `tiny` parameters, and answers.",
    remedy="Mend the error; if `tiny` names columns, take those of the kit's catalogue (title, description, category, tags, "
    "brand, price, in_stock, available_from, available_until).",
)  # fmt: skip
def fits(subject: Subject) -> None:
    """What all further checks rest on: one fit, and one answer for every query, list or item.

    The shop has items and users without a training event, a query without a history, two event types of different
    weight, and real times. Where this check fails, those that need a fitted instance are not run.
    """
    subject.try_out()


@check(
    *FITTED_STAGES, only="those that learn something", when=lambda s: s.learns,
    sentence="Two fits with one seed answer alike, to the last bit.",
    remedy="Draw all random numbers from `context`; iterate over no `set`; keep no state in the class.",
)  # fmt: skip
def same_seed(subject: Subject) -> None:
    """Two instances are fitted on the same log with the same seed, while the global generators stand elsewhere.

    Otherwise a result cannot be had again, and a difference between two runs means nothing.
    """
    answers = []
    for elsewhere in (1, 2):
        with global_randomness(elsewhere):
            world = shop()
            answers.append(subject.ask(subject.fit(world), world))
    require(not (found := difference(*answers, exact=True)), f"the two fits: {found}")


@check(
    *FITTED_STAGES, only="those that declare themselves deterministic and learn something",
    when=lambda s: s.learns and s.capabilities.deterministic,
    sentence="The seed changes nothing.",
    remedy="Draw no random numbers, or declare `Capabilities(deterministic=False)`.",
)  # fmt: skip
def deterministic(subject: Subject) -> None:
    """A deterministic component is run once, whatever `seeds` says, so its answers must not depend on the seed."""
    world = shop()
    found = difference(subject.answer, subject.ask(subject.fit(world, seed=1), world))
    require(not found, f"fitted with the seeds 0 and 1: {found}")


@check(
    *FITTED_STAGES, only="those that learn something", when=lambda s: s.learns,
    sentence="Fitting again forgets the fit before.",
    remedy="Begin `fit` from nothing; what is derived and cached belongs into a `cached_property`, which a new fit drops.",
)  # fmt: skip
def refit(subject: Subject) -> None:
    """An instance is fitted on another log, asked, and then fitted on the shop: it answers as a fresh one does.

    What is left of an earlier fit, such as sums that go on growing or a cache that nobody empties, shows here.
    """
    other, _ = renamed(shop())
    part = subject.fit(other)
    subject.ask(part, other)
    world = shop()
    found = difference(subject.answer, subject.ask(subject.fit(world, part=part), world))
    require(not found, f"a fresh fit and a second fit: {found}")


@check(
    *FITTED_STAGES,
    sentence="The data stay as they were.",
    remedy="Copy an array before you write into it.",
)  # fmt: skip
def data_unchanged(subject: Subject) -> None:
    """Logs, queries, catalogue and item features are compared by a hash of their bytes, before and after.

    All stages of a pipeline, and all models of a benchmark, share these arrays.
    """
    world = shop()
    before = fingerprint(world, lists=False)
    subject.ask(subject.fit(world), world)
    require(fingerprint(world, lists=False) == before, "fitting or asking wrote into the data")


class Recorder(pl.Callback):
    """Notes the loss of each step, and which parameters got a gradient."""

    def __init__(self) -> None:
        self.losses = list[float]()
        self.without: set[str] | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the loss."""
        self.losses.append(float(outputs["loss"]))

    def on_after_backward(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Note the parameters that no step has reached so far."""
        missed = {
            name
            for name, parameter in pl_module.named_parameters()
            if parameter.requires_grad and (parameter.grad is None or not _reached(parameter.grad))
        }
        self.without = missed if self.without is None else self.without & missed


def _reached(grad: torch.Tensor) -> bool:
    """Return whether a gradient is anywhere else than zero."""
    return bool((grad.coalesce().values() if grad.is_sparse else grad).abs().sum() > 0)


def _recorded(subject: Subject, epochs: int) -> Recorder:
    """Return what was noted of a training on the walks of a circle; of a ranker's, on the shop's lists.

    Raises:
        NotApplicableError: The component trains in a loop of its own.
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
        raise NotApplicableError("it trains in a loop of its own")
    return recorder


@check(
    "featurizer", "predictor", "ranker", only="those that the core trains", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="The loss falls.",
    remedy="Look at the sign of the loss, at what is detached, and at whether targets and vectors belong together.",
)  # fmt: skip
def loss_falls(subject: Subject) -> None:
    """In twelve epochs over the walks of a circle (a ranker: over the shop's lists) the mean loss falls by a twentieth or more from the first to the last."""
    first, *_, last = (float(part.mean()) for part in torch.tensor(_recorded(subject, 12).losses).tensor_split(12))
    require(
        last <= first - 0.05 * abs(first),
        f"the mean loss was {first:.4g} in the first twelfth of the training and {last:.4g} in the last",
    )


@check(
    "featurizer", "predictor", "ranker", only="those that the core trains", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="Every parameter gets a gradient.",
    remedy="Use the layer in `forward`, or do not make it; freeze on purpose with `requires_grad_(False)`.",
)  # fmt: skip
def gradients(subject: Subject) -> None:
    """Over an epoch no parameter stays without a gradient: one that does is a layer that nobody calls, or a cut graph."""
    missed = sorted(_recorded(subject, 1).without or ())
    require(not missed, f"no step reached {', '.join(missed)}")


@check(
    "predictor", only="those that train in epochs", when=lambda s: s.capabilities.trains_in_epochs,
    sentence="It trains for as many epochs as it is told, and asks how good it is where it is not told.",
    remedy="Train for `context.epochs` where it is set; otherwise call `context.validate(self)` after epochs, keep the best "
    "weights and set `self.trained = Trained(epochs)` to their number.",
)  # fmt: skip
def epochs(subject: Subject) -> None:
    """Fitted with `context.epochs = 2`, its `trained.epochs` is 2; fitted with a `context.validate`, it calls that.

    The core finds the number of epochs on the validation part and then fits again on all data with that number.
    """
    told = training_of(subject.fit(shop(), epochs=2)).epochs
    require(told == 2, f"told to train for 2 epochs, it says that it trained for {told}")
    asked = list[Any]()

    def validate(part: Any) -> float:
        asked.append(part)
        return 1.0 / len(asked)

    part = subject.fit(shop(), validate=validate, settings=SETTINGS.model_copy(update={"max_epochs": 3}))
    require(bool(asked), "it never called `context.validate`")
    best = training_of(part).epochs
    require(best == 1, f"the first of {len(asked)} validations was the best, and it says epochs = {best}")
