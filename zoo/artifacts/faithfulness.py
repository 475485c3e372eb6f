"""How faithful explanations are: how far a score falls without the events that they name, against random events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.artifacts.contents import ArtifactContents
from zoo.data.queries import Queries
from zoo.errors import DataError
from zoo.evaluation.intervals import Interval, mean_interval
from zoo.stages.contributions import without_events

BLOCK = 64
"""Queries at a time."""


@dataclass(frozen=True)
class Faithfulness:
    """How far the score of the first item falls without some events, in standard deviations of the scores of the query.

    Attributes:
        queries: The number of queries.
        events: How many events are removed from each history.
        named: The mean fall without the events that the explanation names.
        random: The mean fall without as many random events.
        difference: The mean of named minus random.
        interval: Its 95 % interval over the queries; NaN if no score falls.
    """

    queries: int
    events: int
    named: float
    random: float
    difference: float
    interval: Interval

    def __str__(self) -> str:
        """Return the result as a sentence."""
        low, high = self.interval
        interval = "no interval" if np.isnan(low) else f"{low:+.2f} to {high:+.2f}"
        return (
            f"Without the {self.events} events that explain it most, the score of a user's first item falls by {self.named:.2f} standard "
            f"deviations of the user's scores, without {self.events} random events by {self.random:.2f}. Difference: "
            f"{self.difference:+.2f} ({interval}), {self.queries:,} users."
        )


def faithfulness(artifact: ArtifactContents, *, events: int = 5, users: int = 1_000, seed: int = 0) -> Faithfulness:
    """Measure how far scores fall without the events that explain them, as the deletion test of Samek et al. (2017) does.

    Args:
        artifact: An artifact with histories.
        events: How many events to remove; users with at most as many are left out.
        users: The most users, a random sample.
        seed: The seed of the sample and of the random events.

    Raises:
        DataError: No user has enough events.
    """
    rng = np.random.default_rng(seed)
    queries = _sample(artifact, rng, events, users)
    named, drawn = [], []
    for start in range(0, len(queries), BLOCK):
        fall, by_chance = _falls(artifact, queries[start : start + BLOCK], events, rng)
        named.append(fall)
        drawn.append(by_chance)
    fall, by_chance = np.concatenate(named), np.concatenate(drawn)
    difference = fall - by_chance
    return Faithfulness(
        len(fall),
        events,
        float(fall.mean()),
        float(by_chance.mean()),
        float(difference.mean()),
        mean_interval(difference),
    )


def _sample(artifact: ArtifactContents, rng: np.random.Generator, events: int, users: int) -> Queries:
    """Return the queries of a sample of users, as the predictor sees them.

    Raises:
        DataError: No user has more than the given number of events.
    """
    retrieval = artifact.pipeline.retrieval
    queries = retrieval.restricted(Queries.of_histories(artifact.histories), cold=retrieval.scores_cold)
    enough = np.flatnonzero((queries.lengths > events) & ~retrieval.unanswered(queries))
    if not len(enough):
        raise DataError(
            f"no user of the artifact has more than {events} events that the model knows, so that {events} can be removed. Remove "
            "fewer, or fit an artifact with histories."
        )
    return queries.at(np.sort(rng.choice(enough, min(users, len(enough)), replace=False)))


def _falls(
    artifact: ArtifactContents, queries: Queries, events: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the falls without named and without random events, each `[B]`."""
    retrieval = artifact.pipeline.retrieval
    items = retrieval.top(queries, 1, artifact.rules).items
    listed = items[:, 0] > 0
    queries, items = queries.where(listed.numpy()), items[listed]
    found, offsets = retrieval.contributions(queries, items)[1].values[:, 0].numpy(), queries.histories.offsets
    ranges = [(int(offsets[at]), int(offsets[at + 1])) for at in range(len(queries))]
    best = [a + np.argsort(-found[a:b], kind="stable")[:events] for a, b in ranges]
    some = [a + rng.choice(b - a, events, replace=False) for a, b in ranges]
    with torch.inference_mode():
        scores = retrieval.predictor.score(queries)[:, 1:].float().cpu()
        whole = scores.gather(1, items - 1)[:, 0]
        without = [_scores(artifact, without_events(queries, groups), items) for groups in (best, some)]
    finite = scores.isfinite()
    floor = torch.where(finite, scores, torch.inf).min(1).values
    spread = torch.stack([row[known].std() for row, known in zip(scores, finite, strict=True)]).clamp_min(1e-12)
    named, drawn = (((whole - torch.maximum(low, floor)) / spread).double().numpy() for low in without)
    return named, drawn


def _scores(artifact: ArtifactContents, queries: Queries, items: Tensor) -> Tensor:
    """Return the predictor's score of an item of each query, `[B]`."""
    return artifact.pipeline.retrieval.predictor.score_items(queries, items)[:, 0].float().cpu()
