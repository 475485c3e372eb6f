"""The training settings and dropout rates that the data choose where the user sets none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from zoo.config.train import FilledSettings, NetworkSettings
from zoo.neural_params import NeuralParams

P = TypeVar("P", bound=NeuralParams)

EPOCH_BATCHES = 100
"""The number of batches of an epoch at which `batch_size` aims."""
SMALLEST_BATCH = 32
MOST_BATCHES = 1_000
"""The most batches of an epoch: longer epochs would validate too rarely."""
WIDTH, RATE = 64, 2e-3
"""The learning rate `RATE` is that of a model of this width."""
WARMUP_STEPS = 100
PATIENCE_VALIDATIONS, PATIENCE_STEPS = 10, 1_000
"""Training stops after this many validations and at least this many steps without improvement."""
MAX_EPOCHS, MOST_EPOCHS, ENOUGH_STEPS = 100, 1_000, 10_000
"""`max_epochs` is `MAX_EPOCHS`; with validation as many epochs as `ENOUGH_STEPS` need, but at most `MOST_EPOCHS`."""
DROPOUT, DROPOUT_EVENTS = (0.1, 0.6), 16
"""The lowest and the highest dropout rate, and the events per item up to which it is the highest."""


def choose_dropout(events: int, items: int) -> float:
    """Return a dropout rate by the number of training events per item: the fewer, the higher."""
    low, high = DROPOUT
    doublings = math.log2(max(events / max(items, 1), 1.0) / DROPOUT_EVENTS)
    return round(min(max(high - 0.1 * doublings, low), high), 3)


def choose_batch_size(examples: int, largest: int) -> int:
    """Return the power of two that makes about `EPOCH_BATCHES` batches an epoch.

    Args:
        examples: Sequences or pairs in an epoch.
        largest: The largest batch that the objective allows.
    """
    nearest = 2 ** round(math.log2(max(examples / EPOCH_BATCHES, 1.0)))
    return int(min(max(nearest, SMALLEST_BATCH), largest))


def choose_learning_rate(width: int) -> float:
    """Return a learning rate for a model of this width: it falls with the square root of the width."""
    return float(f"{RATE * math.sqrt(WIDTH / width):.3g}")


def choose_settings(
    settings: NetworkSettings, *, examples: int, width: int, largest_batch: int, validated: bool
) -> dict[str, Any]:
    """Return values for the settings that are not set.

    Args:
        settings: The settings of the training.
        examples: Sequences or pairs in an epoch.
        width: The width D of the model.
        largest_batch: The largest batch that the objective allows.
        validated: Whether early stopping ends the training.
    """
    size = settings.batch_size or choose_batch_size(examples, largest_batch)
    batches = max(math.ceil(examples / size), 1)
    most = settings.epoch_batches or MOST_BATCHES
    steps = math.ceil(min(batches, most) / settings.accumulate)
    enough = min(math.ceil(ENOUGH_STEPS / steps), MOST_EPOCHS) if validated else 0
    values = {
        "max_epochs": max(MAX_EPOCHS, enough),
        "patience": max(PATIENCE_VALIDATIONS, math.ceil(PATIENCE_STEPS / (steps * settings.validate_every))),
        "batch_size": size,
        "learning_rate": choose_learning_rate(width),
        "warmup_steps": WARMUP_STEPS if settings.learning_rate is None else 0,
        **({"epoch_batches": most} if batches > most else {}),
    }
    return {name: value for name, value in values.items() if getattr(settings, name) is None}


def choose_rates(params: NeuralParams, events: int, items: int) -> dict[str, float]:
    """Return a value for each dropout rate of `params.by_data` that is None."""
    return {name: choose_dropout(events, items) for name in open_rates(params)}


def open_rates(params: NeuralParams) -> list[str]:
    """Return the names of the dropout rates that are not set."""
    return [name for name in params.by_data if getattr(params, name) is None]


def with_saved_rates(params: P, chosen: Mapping[str, Any]) -> P:
    """Return the parameters of a loaded model: rates that are not set are those that its fit chose, or 0 if unknown."""
    return params.model_copy(update={name: chosen.get(name, 0.0) for name in open_rates(params)})


@dataclass(frozen=True)
class Amount:
    """The amount of data that a model is trained on.

    Attributes:
        events: Training events.
        items: Items with a training event.
        examples: Sequences or pairs in an epoch.
    """

    events: int
    items: int
    examples: int


def fill(
    params: P,
    settings: NetworkSettings,
    amount: Amount,
    *,
    largest_batch: int,
    validated: bool,
    earlier: Mapping[str, Any],
) -> tuple[P, FilledSettings, dict[str, Any]]:
    """Choose the dropout rates and settings that are not set.

    Args:
        params: The parameters that the user gave.
        settings: The settings that the user gave.
        amount: The amount of training data.
        largest_batch: The largest batch that the objective allows.
        validated: Whether early stopping ends the training.
        earlier: What an earlier fit of the model chose; it takes precedence over the data.

    Returns:
        Parameters and settings without open values, and the values that were chosen.
    """
    rates = choose_rates(params, amount.events, amount.items)
    values = choose_settings(
        settings, examples=amount.examples, width=params.dim, largest_batch=largest_batch, validated=validated
    )
    rates, values = ({name: earlier.get(name, value) for name, value in found.items()} for found in (rates, values))
    return params.model_copy(update=rates), settings.filled(**values), {**rates, **values}
