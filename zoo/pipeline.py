"""A model as the zoo runs it: the stages of one recommendation, fitted in order and asked as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.resolved import Chosen, ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.task import Task
from zoo.errors import ScoreError, naming
from zoo.evaluation.metric import Facts
from zoo.evaluation.validation import Validation
from zoo.registry.registry import default_registry
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.candidates import CandidateLists, Candidates, Exclusions
from zoo.stages.context import RunContext
from zoo.stages.epochs import training_of
from zoo.stages.featurizer import Featurizer, ItemFeatures, item_features
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker
from zoo.stages.ranking import RankingData
from zoo.stages.reranking import fit_in_turn, reranked
from zoo.stages.stage import TrainingData
from zoo.training.record import fit_of

Featurize = Callable[[Chosen, Featurizer[Any], TrainingData, RunContext], ItemFeatures]
"""Fits a featurizer and returns what it makes of the catalogue."""
BLOCK_BYTES = 2**23
"""How large a block's score matrix may be: fewer and larger blocks pay the price of a call less often."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What may be recommended, whatever the model.

    Attributes:
        eligible: Items that may be recommended at all, `[I]` bool.
        exclude_seen: Whether items of the history are left out, or the event types that make an item seen.
    """

    eligible: NDArray[np.bool_]
    exclude_seen: bool | list[str] = True


class Pipeline:
    """The slots of a model and what flows between them."""

    def __init__(self, model: ResolvedModel, featurize: Featurize | None = None) -> None:
        """Build the stages of a model; `featurize` takes the place of `Featurizer.fit_transform`."""
        self.model = model
        self.featurize = featurize or (lambda chosen, featurizer, *given: featurizer.fit_transform(*given))
        self.predictor: Predictor[Any] = model.predictor.build()
        self.featurizers: list[Featurizer[Any]] = [f.build() for f in model.featurizers]
        self.filters: list[Filter[Any]] = [f.build() for f in model.filters]
        self.rankers: list[Ranker[Any]] = [r.build() for r in model.rankers]
        self.candidate_features = CandidateFeatures(model.candidate_features)
        self.features: ItemFeatures | None = None
        self.known = np.zeros(0, np.bool_)
        self.known_users = np.zeros(0, np.bool_)
        self.fits: list[dict[str, Any]] = []
        self.taught: tuple[int, int] | None = None
        """How many of the lists that rankers were fitted on have a target among their candidates, and how many there are."""

    @classmethod
    def of(cls, predictor: str, **params: Any) -> Pipeline:
        """Return the pipeline of one predictor by name, without filters or rankers.

        Raises:
            ZooError: The name is unknown, or a parameter does not fit.
        """
        registry = default_registry()
        component, metric = registry.find("predictor", predictor), registry.find("metric", "ndcg")
        monitor = Chosen(metric, metric.params({"k": 10}))
        return cls(ResolvedModel(predictor, Chosen(component, component.params(params)), monitor=monitor))

    def fit(self, task: Task, context: RunContext, *, refit: bool = True, candidates: int = 200) -> None:
        """Fit all stages on a task.

        A predictor that trains in epochs finds out their number on the `validate` part, where the split has one; every
        further fit takes that many. Rankers that learn are fitted on the `rank` part, from candidates of a predictor
        that has not seen it; then filters and predictor are fitted again on all that comes before the test, on the item
        features that the rankers learned from.

        Args:
            task: The data and their split.
            context: Randomness, device, progress.
            refit: Whether the last fit takes everything before the test, or only the training part.
            candidates: How many candidates a ranker gets for each query.
        """
        self.fits = []
        learns = any(chosen.capabilities.trainable for chosen in self.model.rankers)
        validates = self.model.predictor.capabilities.trains_in_epochs and self.model.monitor is not None
        if validates and "validate" in task.parts.held_out:
            self._fit_validated(task, context)
            if not refit and not learns:
                return
            context = replace(context, epochs=training_of(self.predictor).epochs).for_training(phase="refit")
        if learns:
            self.fit_on(task.training("rank"), task.catalogue, context.for_training(phase="rank"))
            context = context.for_training(phase="refit")
            queries = task.queries("rank")
            self._fit_rankers(queries, candidates, Rules(task.eligible, task.exclude_seen), context)
        features = self.features if learns else None
        self.fit_on(task.training("test" if refit else "validate"), task.catalogue, context, features)

    def fit_on(
        self,
        interactions: Interactions,
        catalogue: Catalogue,
        context: RunContext,
        features: ItemFeatures | None = None,
    ) -> None:
        """Fit filters and a fresh predictor on a log, and featurizers unless their features are given; rankers stay."""
        context = context.for_training(settings=self.model.train, label=self.model.label).below(context.training.phase)
        self.predictor = self.model.predictor.build()
        data = TrainingData.of(interactions, catalogue)
        self.known = data.known
        self.known_users = np.concatenate([[False], interactions.lengths > 0])
        parts = zip(self.model.featurizers, self.featurizers, strict=True)
        featurize = [naming(chosen.name)(partial(self.featurize, chosen, featurizer)) for chosen, featurizer in parts]
        # How long the predictor trains says nothing of a featurizer.
        self.features = features or item_features(featurize, data, replace(context, epochs=None))
        data = replace(data, features=self.features)
        for chosen, item_filter in zip(self.model.filters, self.filters, strict=True):
            with naming(chosen.name):
                item_filter.fit(data, context)
        if self.rankers:
            self.candidate_features.fit(data)
        start = time.perf_counter()
        self.predictor.fit(data, context)
        if self.model.predictor.capabilities.trains_in_epochs:
            self.fits.append(fit_of(training_of(self.predictor), time.perf_counter() - start))

    def _fit_validated(self, task: Task, context: RunContext) -> None:
        """Fit on the training part; the predictor may ask how good it is on the validation queries."""
        training, (monitor,) = task.training("validate"), self.model.monitors
        facts = Facts.of(training, task.catalogue, task.eligible)
        validation = Validation(monitor.build(), facts, task.queries("validate"), self.model.train.validation_queries)
        rules = Rules(task.eligible, task.exclude_seen)

        def validate(predictor: Predictor[Any]) -> float:
            return validation(lambda queries, k: self.retrieve(queries, k, rules, predictor))

        self.fit_on(training, task.catalogue, replace(context, validate=validate).for_training(phase="validated"))

    def recommend(
        self,
        queries: Queries,
        k: int,
        rules: Rules,
        *,
        candidates: int = 200,
        progress: Callable[[int, int], None] | None = None,
    ) -> Candidates:
        """Return the K best items for each query; the only way to a list, for an evaluation and for a user alike.

        Args:
            queries: Histories and moments; targets are never looked at.
            k: Items in each list.
            rules: What may be recommended.
            candidates: How many items the first ranker gets.
            progress: Called with the queries done and their number after each block.
        """
        with torch.inference_mode():
            blocks, done = [], 0
            for asked, found in self._retrieved(queries, max(k, candidates) if self.rankers else k, rules):
                blocks.append(self._served(asked, found, k))
                done += len(asked)
                if progress is not None:
                    progress(done, len(queries))
        return Candidates.joined(blocks) if blocks else Candidates.none(k)

    def retrieve(self, queries: Queries, k: int, rules: Rules, predictor: Predictor[Any] | None = None) -> Candidates:
        """Return the best K of a predictor (the pipeline's own by default) for each query, before any ranker."""
        with torch.inference_mode():
            return Candidates.joined([found for _, found in self._retrieved(queries, k, rules, predictor)])

    def _served(self, asked: Queries, found: Candidates, k: int) -> Candidates:
        """Return the best K of what was retrieved, in the order of the last ranker."""
        if not self.rankers:
            return found
        lists = self._as_lists(asked, found)
        for ranker in self.rankers:
            lists = reranked(lists, ranker)
        tied = found.tied
        if lists.scores.shape[1] > k:
            tied = (lists.scores[:, k - 1] == lists.scores[:, k]) & (lists.items[:, k] > 0)
        return Candidates(lists.items[:, :k], lists.scores[:, :k], tied)

    def _retrieved(
        self, queries: Queries, k: int, rules: Rules, predictor: Predictor[Any] | None = None
    ) -> Iterator[tuple[Queries, Candidates]]:
        """Yield each block of queries with the predictor's best K, after rules and filters.

        A stage gets a log of its own for each block, which ends where the histories end: what happened next is not
        hidden from it, it is not there.
        """
        predictor = predictor or self.predictor
        serves_cold = self.model.scores_cold(self.model.predictor)
        allowed = rules.eligible if serves_cold else rules.eligible & self.known
        always = torch.from_numpy(np.flatnonzero(~allowed))
        rows = min(max(BLOCK_BYTES // (4 * len(rules.eligible)), 64), 1024)
        for start in range(0, len(queries), rows):
            block = slice(start, min(start + rows, len(queries)))
            asked = queries[block].blind().compact()
            excluded = Exclusions(always, *_seen(asked, rules.exclude_seen), self._kept(asked))
            found = predictor.recommend(self.as_known(asked, self.model.predictor), k, excluded)
            if type(predictor).recommend is not Predictor.recommend:
                self._check_own_lists(predictor, found, excluded)
            yield asked, found.cpu()

    def _check_own_lists(self, predictor: Predictor[Any], found: Candidates, excluded: Exclusions) -> None:
        """Hold a predictor that makes its own lists to the rules that the core's own top K keeps.

        Raises:
            ScoreError: It returned something else than `Candidates`, or an item that must not be recommended.
        """
        if not isinstance(found, Candidates):
            raise ScoreError(
                f"{type(predictor).__name__}.recommend returned {type(found).__name__}, expected zoo.api.Candidates: "
                "items [B, K], scores [B, K] and tied [B], as `Candidates.best(scores, k)` makes them"
            )
        wrong = excluded.violated(found.items.cpu())
        if wrong.any():
            row, slot = wrong.nonzero()[0].tolist()
            raise ScoreError(
                f"{type(predictor).__name__}.recommend put item number {int(found.items[row, slot])} in a list, which "
                "is excluded there (seen, filtered, not eligible or unknown): apply `exclusions` before taking the top K"
            )

    def as_known(self, queries: Queries, chosen: Chosen) -> Queries:
        """Return the queries as a stage may see them: without the items it cannot know, unless it says that it can."""
        known = np.ones_like(self.known) if self.model.scores_cold(chosen) else self.known
        return queries.restricted(known, self.known_users)

    def _kept(self, queries: Queries) -> Tensor | None:
        """Return what all filters keep, `[B, I]` or `[1, I]`, or None where there are none."""
        kept: Tensor | None = None
        for chosen, item_filter in zip(self.model.filters, self.filters, strict=True):
            keep = item_filter.keep(self.as_known(queries, chosen))
            kept = keep if kept is None else kept & keep.to(kept.device)
        return kept

    def _as_lists(self, asked: Queries, found: Candidates) -> CandidateLists:
        """Return candidates as a ranker sees them, with the features that the core makes."""
        features, columns = self.candidate_features.of(asked, found, self.features)
        return CandidateLists(found.items, found.scores, features, columns, self.features)

    def _fit_rankers(self, queries: Queries, k: int, rules: Rules, context: RunContext) -> None:
        """Fit the rankers that learn, on the candidates of queries of which it is known what came next."""
        blocks, start = [], 0
        with torch.no_grad():  # what comes of inference mode cannot be learned from
            for asked, found in self._retrieved(queries, k, rules):
                lists = self._as_lists(asked, found)
                targets = queries[start : start + len(asked)]
                blocks.append(RankingData.of(replace(lists, labels=_labels(targets, found.items))))
                start += len(asked)
        learning = [chosen.capabilities.trainable for chosen in self.model.rankers]
        context = replace(context, epochs=None).for_training(settings=self.model.ranker_train, label=self.model.label)
        data = RankingData.joined(blocks)
        self.taught = int(np.count_nonzero(data.decided)), len(data)
        fit_in_turn(self.rankers, learning, data, context.below("rankers"))


def _seen(queries: Queries, exclude_seen: bool | list[str]) -> tuple[Tensor, Tensor]:
    """Return the (row, item) pairs of a block that its users have seen, each `[M]`."""
    if exclude_seen is False:
        none = torch.zeros(0, dtype=torch.int64)
        return none, none
    h = queries.histories
    rows, items = torch.from_numpy(h.rows), torch.from_numpy(h.items).long()
    if exclude_seen is not True:
        codes = [code for code, name in enumerate(queries.log.event_names) if name in exclude_seen]
        kept = torch.from_numpy(np.isin(h.events, codes))
        rows, items = rows[kept], items[kept]
    return rows, items


def _labels(queries: Queries, items: Tensor) -> Tensor:
    """Return 1 for the items of `[Q, K]` that are targets, 0 for the others."""
    width, targets = queries.log.n_items + 1, queries.answers()
    wanted = np.repeat(np.arange(len(queries)), targets.counts) * width + targets.items
    keys = np.arange(len(queries))[:, None] * width + items.numpy()
    return torch.from_numpy(np.isin(keys, wanted).astype(np.float32))
