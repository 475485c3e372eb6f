"""Choose the number of epochs by early stopping on held-out data, then train again on all data."""

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
"""Maximum number of epochs when there is too little data to hold out."""


def choose_epochs(
    context: RunContext,
    validated: Callable[[RunContext], Trained | None],
    everything: Callable[[RunContext], Trained],
    *,
    default: int,
    keep_validated: bool = False,
) -> Trained:
    """Train with early stopping on held-out data, then train again on all data for the best number of epochs.

    Args:
        context: The context of the fit. If it sets `epochs`, the stage trains on all data for that number of epochs.
        validated: Trains without the held-out data and returns the result; None if there is too little data to hold out.
        everything: Trains on all data for the `epochs` of its context.
        default: The number of epochs if `validated` returns None.
        keep_validated: Whether to keep the first training, because the held-out data are a separate validation split.

    Returns:
        The number of epochs of the final weights, and the history of the training that chose it.
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
    """Return the training result of a fitted stage.

    Raises:
        TrainingError: `fit` did not set `trained`.
    """
    if stage.trained is None:
        name = type(stage).__name__
        raise TrainingError(
            f"{name}: its capabilities declare `trains_in_epochs`, and `fit` set no `trained`. Set "
            "`self.trained = Trained(epochs)` at the end of `fit`."
        )
    return stage.trained
