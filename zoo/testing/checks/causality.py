"""Causality: an encoder that learns the next item reads no event after the position it represents."""

from __future__ import annotations

from dataclasses import replace

import torch

from zoo.data.queries import QueryBatch
from zoo.testing.check import check
from zoo.testing.requirement import NotApplicableError, require
from zoo.testing.subject import Subject, difference, with_histories
from zoo.training.neural_predictor import NeuralPredictor
from zoo.training.objectives import NextItem


def _learns_next_item(subject: Subject) -> bool:
    """Return whether a component is a network that learns the next item at each position."""
    return issubclass(subject.target, NeuralPredictor) and isinstance(subject.build().objective, NextItem)


@check(
    "predictor", only="neural predictors trained for the next item of a sequence", when=_learns_next_item,
    sentence="Events after a position do not change its vector.",
    remedy="Mask attention to later positions, pad convolutions on the left only, and read recurrent layers in one direction; or "
    "override `objective` where the encoder is bidirectional by design.",
)  # fmt: skip
def causality(subject: Subject) -> None:
    """For each position, the check replaces all later items, event types and times, and compares the vectors before them.

    In training every position predicts the next item. An encoder that reads later events sees its own target: the training
    loss falls, but the model learns nothing useful.
    """
    encoder, batch = subject.fitted.network.encoder, _batch(subject)
    with torch.inference_mode():
        before = encoder(batch)
        for at in range(1, batch.items.shape[1]):
            after = encoder(_with_other_end(batch, at))
            found = difference(before[:, :at].flatten(1), after[:, :at].flatten(1))
            require(not found, f"changing the events from position {at + 1} on changes the vectors before it: {found}")


@check(
    "predictor", only="neural predictors trained for the next item of a sequence", when=_learns_next_item,
    sentence="The encoder ignores padding.",
    remedy="Mask the positions from `lengths` on, including as attention keys.",
)  # fmt: skip
def padding_content(subject: Subject) -> None:
    """The check puts items into the padded positions of a batch, and compares the vectors of all other positions."""
    encoder, batch = subject.fitted.network.encoder, _batch(subject)
    padded = torch.arange(batch.items.shape[1]) >= batch.lengths[:, None]
    filled = replace(batch, items=batch.items.masked_fill(padded, 3))
    with torch.inference_mode():
        before, after = encoder(batch)[~padded], encoder(filled)[~padded]
    require(not (found := difference(before, after)), f"with padding, and with items in its place: {found}")


def _batch(subject: Subject) -> QueryBatch:
    """Return the shop's queries with a history, as the encoder reads them."""
    queries = subject.queries(with_histories)
    device = next(subject.fitted.network.parameters()).device
    batch: QueryBatch = subject.fitted.objective.inference_batch(queries, device)
    if batch.items.shape[1] < 2:
        raise NotApplicableError("with its `tiny` parameters it reads only one event")
    return batch


def _with_other_end(batch: QueryBatch, at: int) -> QueryBatch:
    """Return a batch whose items, event types and times differ from position `at` on (0-based)."""
    items, events, times, now = (t.clone() for t in (batch.items, batch.events, batch.times, batch.now))
    later = items[:, at:]
    items[:, at:] = torch.where(later > 0, later % int(items.max()) + 1, later)
    events[:, at:] = 0
    times[:, at:] += 86_400_000
    now[:, at:] += 2 * 86_400_000
    return replace(batch, items=items, events=events, times=times, now=now)
