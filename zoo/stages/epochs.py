"""How many epochs to train: chosen on held-out data by early stopping, then trained again on all data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.errors import TrainingError
from zoo.stages.context import RunContext
from zoo.trained import Trained

if TYPE_CHECKING:
    from zoo.stages.stage import Stage

DEFAULT_EPOCHS = 20
"""The most epochs to train where too little data could be held out to choose their number."""


def choose_epochs(
    context: RunContext,
    validated: Callable[[RunContext], Trained | None],
    everything: Callable[[RunContext], Trained],
    *,
    default: int,
    keep_validated: bool = False,
) -> Trained:
    """Train with early stopping on held-out data, then train again on all data for as many epochs as were best.

    Args:
        context: Of the fit. Where its `epochs` is set, that many are trained on all data and nothing is held out.
        validated: Trains without the held-out data and returns how that went; None where too little could be held out.
        everything: Trains on all data, for `epochs` of its context.
        default: Epochs to train where `validated` returns None.
        keep_validated: Whether the held-out data are a validation part of their own, so that the first training stays.

    Returns:
        The epochs of the weights that were kept, with the history of the training that chose them.
    """
    if context.epochs is not None:
        return everything(context)
    chosen = validated(context)
    if chosen is None:
        return everything(replace(context, epochs=default))
    if keep_validated:
        return chosen
    return replace(chosen, epochs=everything(replace(context, epochs=chosen.epochs)).epochs)


def training_of(stage: Stage[Any]) -> Trained:
    """Return how the training of a fitted stage went.

    Raises:
        TrainingError: Its `fit` did not say.
    """
    if stage.trained is None:
        name = type(stage).__name__
        raise TrainingError(
            f"{name}: its capabilities declare `trains_in_epochs`, and `fit` set no `trained`. Set "
            "`self.trained = Trained(epochs)` at the end of `fit`."
        )
    return stage.trained
