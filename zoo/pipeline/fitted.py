"""A fitted model: recommends items, and supports new items without fitting again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue, joined
from zoo.data.queries import Queries
from zoo.data.user_table import UserTable
from zoo.errors import ArtifactError, DataError
from zoo.pipeline.retrieval import Retrieval, Rules
from zoo.stages.answers import answer_of, check_finite, check_served
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.candidates import CandidateLists, Candidates
from zoo.stages.featurizer import Featurizer, transform_items
from zoo.stages.filter import Filter
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures, concatenate_features
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker
from zoo.stages.ranker_inputs import RankerInputs
from zoo.stages.reranking import rerank
from zoo.stages.user_columns import UserColumns


@dataclass(frozen=True, eq=False)
class FittedPipeline:
    """The fitted stages of a model and what flows between them.

    Attributes:
        model: The components and their parameters.
        retrieval: The predictor and the filters, with the items and users of training.
        featurizers: Make the item features; several stand side by side.
        rankers: Applied in turn to the candidates.
        candidate_features: Makes the ranking features; None for a model without rankers.
        features: The item features of the catalogue, `[I, D]`, or None for a model without featurizers.
        columns: The catalogue columns that the rankers declare; None if they declare none.
        users: The columns of the user table that rankers and candidate features read; None if they read none.
    """

    model: ResolvedModel
    retrieval: Retrieval
    featurizers: tuple[Featurizer[Any], ...] = ()
    rankers: tuple[Ranker[Any], ...] = ()
    candidate_features: CandidateFeatures | None = None
    features: ItemFeatures | None = None
    columns: Catalogue | None = None
    users: UserTable | None = None

    @cached_property
    def ranker_inputs(self) -> tuple[RankerInputs, ...]:
        """Return what each ranker reads besides the candidates."""
        return tuple(
            RankerInputs.of(c.capabilities, self.features, self.columns, self.users) for c in self.model.rankers
        )

    @cached_property
    def feature_columns(self) -> ItemColumns:
        """Return the columns that groups of candidate features declare."""
        return ItemColumns.of(self.columns or Catalogue.bare(0), self.model.candidate_features.columns)

    @cached_property
    def feature_user_columns(self) -> UserColumns:
        """Return the columns of users from which candidate features are computed."""
        return UserColumns.of(self.users, self.model.candidate_features.user_columns)

    @property
    def predictor(self) -> Predictor[Any]:
        """Return the fitted predictor."""
        return self.retrieval.predictor

    @property
    def filters(self) -> tuple[Filter[Any], ...]:
        """Return the fitted filters."""
        return self.retrieval.filters

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which items have an event in training, `[I]` bool."""
        return self.retrieval.known

    @property
    def known_users(self) -> NDArray[np.bool_]:
        """Return which users have an event in training, `[U + 1]` bool."""
        return self.retrieval.known_users

    def recommend(
        self,
        queries: Queries,
        k: int,
        rules: Rules,
        *,
        candidates: int = 200,
        progress: Callable[[int, int], None] | None = None,
    ) -> Candidates:
        """Return the K best items for each query, in evaluation and in serving alike.

        Slots that predictor and rankers leave empty are filled by `rules.fallback`.

        Args:
            queries: Histories and moments; their targets are never read.
            k: Items in each list.
            rules: What may be recommended.
            candidates: How many items the first ranker gets.
            progress: Called with the number of queries done and their total after each block.

        Raises:
            ScoreError: A stage returned scores that cannot be ranked.
        """
        with torch.inference_mode():
            blocks, done = [], 0
            for block, found, excluded in self.retrieval.blocks(
                queries, max(k, candidates) if self.rankers else k, rules
            ):
                ranked = self._ranked(block, found, k)
                if self.rankers:
                    with answer_of(f"the rankers of {self.model.label}"):
                        check_served(ranked.items, excluded, "the last ranker")
                blocks.append(self.retrieval.filled(ranked, excluded, rules))
                done += len(block)
                if progress is not None:
                    progress(done, len(queries))
        return Candidates.joined(blocks) if blocks else Candidates.none(k)

    def retrieve(self, queries: Queries, k: int, rules: Rules) -> Candidates:
        """Return the best K items of the predictor for each query, before any ranker and without the fallback."""
        return self.retrieval.top(queries, k, rules)

    def ranking_lists(self, queries: Queries, found: Candidates) -> CandidateLists:
        """Return candidates with their ranking features, as the rankers get them."""
        assert self.candidate_features is not None  # a pipeline with rankers has them
        features, columns = self.candidate_features.of(
            queries, found, self.features, self.feature_columns, self.feature_user_columns
        )
        return CandidateLists(found.items, found.scores, features, columns, self.features, queries=queries)

    def ranker_contributions(self, queries: Queries, found: Candidates) -> tuple[CandidateLists, Tensor]:
        """Return candidates as the last ranker gets them, and what each ranking feature adds to its scores, `[B, K, F]`.

        Raises:
            ScoreError: The answer of a ranker cannot be used.
        """
        *before, last = zip(self.model.rankers, self.rankers, self.ranker_inputs, strict=True)
        with torch.inference_mode():
            lists = self.ranking_lists(queries, found)
            for chosen, ranker, inputs in before:
                lists = rerank(lists, ranker, chosen.origin, inputs)
            chosen, ranker, inputs = last
            with answer_of(chosen.origin):
                added = ranker.contributions(inputs.lists(lists))
                check_finite(added, tuple(lists.features.shape), "`contributions`")
        return lists, added.cpu()

    def with_items(self, catalogue: Catalogue, origin: str = "new items") -> FittedPipeline:
        """Return a pipeline that scores new items as well, by their features, without an index; this one stays as it is.

        Args:
            catalogue: The new items; they are numbered after all others, in its order.
            origin: What to call it in messages.

        Raises:
            ArtifactError: A stage does not support new items.
            DataError: A column that a stage reads is missing, or has another type.
        """
        _refuse_warm_only(self.model)
        try:
            features = concatenate_features(
                [
                    transform_items(f, catalogue, chosen.origin)
                    for chosen, f in zip(self.model.featurizers, self.featurizers, strict=True)
                ]
            )
            assert features is not None  # a model without a featurizer is refused
            features = features.without_padding()
            predictor: Predictor[Any] = _copy(self.model.predictor, self.predictor)
            predictor.add_items(GuardedItemFeatures.of(features))
            filters = [_copy(c, f) for c, f in zip(self.model.filters, self.filters, strict=True)]
            for item_filter in filters:
                item_filter.add_items(catalogue)
            ranking = None
            if self.candidate_features is not None:
                ranking = CandidateFeatures(self.model.candidate_features)
                ranking.load_state(self.candidate_features.state().copy())
                ranking.add_items(catalogue, features)
        except DataError as error:
            raise DataError(
                f"{origin}: {error.found} The fitted model reads this: give new items the columns that the items of training had, of "
                "the same type."
            ) from error
        n_new, popularity = len(catalogue) - 1, self.retrieval.popularity
        retrieval = replace(
            self.retrieval,
            predictor=predictor,
            retriever=None,  # its index has no vectors of the new items
            filters=tuple(filters),
            known=np.concatenate([self.known, np.zeros(n_new, np.bool_)]),
            popularity=None if popularity is None else popularity.followed_by(n_new),
        )
        return replace(
            self,
            retrieval=retrieval,
            candidate_features=ranking,
            features=None if self.features is None else self.features.followed_by(features),
            columns=None if self.columns is None else joined(self.columns, catalogue),
        )

    def _ranked(self, block: Queries, found: Candidates, k: int) -> Candidates:
        """Return the best K of the candidates, in the order of the last ranker; rankers get no empty lists."""
        if not self.rankers:
            return found
        answered = (found.items > 0).any(1)
        if answered.all():
            return self._reranked(block, found, k)
        lists = found.cut(k)
        if not answered.any():
            return lists
        some = self._reranked(block.where(answered.numpy()), found.at(answered), k)
        items, scores, tied = lists.items.clone(), lists.scores.clone(), lists.tied.clone()
        items[answered], scores[answered], tied[answered] = some.items, some.scores, some.tied
        return Candidates(items, scores, tied)

    def _reranked(self, block: Queries, found: Candidates, k: int) -> Candidates:
        """Return the best K of the candidates, in the order of the last ranker."""
        lists = self.ranking_lists(block, found)
        for chosen, ranker, inputs in zip(self.model.rankers, self.rankers, self.ranker_inputs, strict=True):
            lists = rerank(lists, ranker, chosen.origin, inputs)
        tied = found.tied
        if lists.scores.shape[1] > k:
            tied = (lists.scores[:, k - 1] == lists.scores[:, k]) & (lists.items[:, k] > 0)
        return Candidates(lists.items[:, :k], lists.scores[:, :k], tied)


def _copy(chosen: Chosen, stage: Any) -> Any:
    """Return a new stage with the state of another."""
    fresh = chosen.build()
    fresh.load_state(stage.state().copy())
    return fresh


def _refuse_warm_only(model: ResolvedModel) -> None:
    """Refuse a model with a stage that knows the items of training only.

    Raises:
        ArtifactError: There is one; the message says what to fit instead.
    """
    predictor = model.predictor
    if not model.scores_cold(predictor) or not model.featurizers:
        if predictor.capabilities.features == "none":
            what = (
                f"{predictor.name} takes no item features. Fit a predictor that does, such as content-knn with tf-idf."
            )
        else:
            what = f"{predictor.name} has no `featurizer`. Fit the model with one."
        raise ArtifactError(f"{model.label}: new items are scored by their features, and {what}")
    for kind, parts in (("filter", model.filters), ("ranker", model.rankers)):
        for part in parts:
            if not model.scores_cold(part):
                raise ArtifactError(
                    f"{model.label}: the {kind} {part.name} knows the items of training only. Fit the model without it, or "
                    "again with the new items."
                )
