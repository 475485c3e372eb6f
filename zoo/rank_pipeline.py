"""A pipeline of rankers without a predictor, fitted and evaluated on judged lists (learning to rank)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.chosen import Chosen
from zoo.config.rank_resolved import ResolvedRankModel
from zoo.data.catalogue import Catalogue
from zoo.data.folds import Fold
from zoo.data.judgments import Judgments
from zoo.data.products import pair_products
from zoo.errors import naming
from zoo.stages.context import RunContext
from zoo.stages.featurizer import Featurizer, ReadsColumns, fit_features, item_features, transform_items
from zoo.stages.item_features import ItemFeatures, concatenate_features
from zoo.stages.ranker import Ranker
from zoo.stages.ranker_inputs import RankerInputs
from zoo.stages.ranking_data import RankingData
from zoo.stages.reranking import fit_in_turn, rerank
from zoo.stages.stage import TrainingData
from zoo.stages.text_match import TextMatch
from zoo.trained import Trained

Featurize = Callable[[Chosen, Featurizer[Any], TrainingData, RunContext], ItemFeatures]
"""Fits a featurizer and returns the features of the documents."""
BLOCK = 256
"""Lists to rank at a time."""


@dataclass(frozen=True, eq=False)
class RankedLists:
    """Judged lists in the order of a model.

    Attributes:
        items: Document numbers, best first, `[Q, K]`; 0 where padded.
        scores: The scores of the last ranker, `[Q, K]`.
        labels: Grades, `[Q, K]`.
    """

    items: Tensor
    scores: Tensor
    labels: Tensor

    @classmethod
    def joined(cls, parts: Sequence[RankedLists]) -> RankedLists:
        """Return the concatenated lists, padded to the longest."""
        width = max(part.items.shape[1] for part in parts)

        def padded(tensors: Sequence[Tensor], value: float) -> Tensor:
            return torch.cat([torch.nn.functional.pad(t, (0, width - t.shape[1]), value=value) for t in tensors])

        return cls(
            padded([part.items for part in parts], 0),
            padded([part.scores for part in parts], -torch.inf),
            padded([part.labels for part in parts], 0.0),
        )

    def __getitem__(self, rows: NDArray[np.int64]) -> RankedLists:
        """Return the lists of some rows."""
        return RankedLists(self.items[rows], self.scores[rows], self.labels[rows])

    def tied(self, k: int) -> float:
        """Return the share of lists with a tie across the cutoff k."""
        if self.scores.shape[1] <= k:
            return 0.0
        return float(((self.scores[:, k - 1] == self.scores[:, k]) & (self.items[:, k] > 0)).double().mean())


@dataclass(frozen=True, eq=False)
class RankPipeline:
    """Fitted rankers, applied in sequence.

    Attributes:
        model: The components and their parameters.
        rankers: The fitted rankers.
        trained: For each ranker the training that chose its epochs.
    """

    model: ResolvedRankModel
    rankers: tuple[Ranker[Any], ...]
    trained: tuple[Trained | None, ...]

    def rank(self, data: RankingData, progress: Callable[[int, int], None] | None = None) -> RankedLists:
        """Return the lists in the order of the last ranker."""
        width = max(int(data.lengths.max(initial=1)), 1)
        lists = RankedLists(
            torch.zeros(len(data), width, dtype=torch.int64),
            torch.full((len(data), width), -torch.inf),
            torch.zeros(len(data), width),
        )
        order = np.argsort(data.lengths, kind="stable")
        inputs = [RankerInputs.of(chosen.capabilities, data.vectors) for chosen in self.model.rankers]
        with torch.inference_mode():
            for start in range(0, len(order), BLOCK):
                rows = order[start : start + BLOCK]
                found = data.lists(rows)
                for chosen, ranker, own in zip(self.model.rankers, self.rankers, inputs, strict=True):
                    found = rerank(found, ranker, chosen.origin, own)
                k = found.items.shape[1]
                lists.items[rows, :k], lists.scores[rows, :k] = found.items, found.scores
                assert found.labels is not None
                lists.labels[rows, :k] = found.labels
                if progress is not None:
                    progress(start + len(rows), len(order))
        return lists


def fit_rank_pipeline(
    model: ResolvedRankModel,
    lists: Judgments,
    fold: Fold,
    context: RunContext,
    *,
    refit: bool,
    featurize: Featurize | None = None,
    match: TextMatch | None = None,
) -> tuple[RankPipeline, RankingData]:
    """Fit the rankers of a model on a fold; return them, and the test lists of the fold with their ranking features.

    A ranker that trains in epochs chooses their number on the validation lists.

    Args:
        model: Its rankers, and the featurizers that compare query and document texts for them.
        lists: All lists.
        fold: The training, validation and test lists of the fold.
        context: Randomness, device, progress.
        refit: Whether to fit the rankers again on training and validation lists together.
        featurize: Replaces `Featurizer.fit_transform`.
        match: The term counts of the documents, if already computed.
    """
    context = context.for_training(settings=model.train, label=model.label)
    data = as_ranking_data(model, lists, fold, context, featurize=featurize or _featurize, match=match)
    train = data.where(fold.train)
    if fold.validate.any():
        train = replace(train, validation=data.where(fold.validate))
    learning = [chosen.capabilities.trainable for chosen in model.rankers]
    context = context.for_training(settings=model.ranker_train)
    origins = [chosen.origin for chosen in model.rankers]
    rankers = [chosen.build() for chosen in model.rankers]
    trained = fit_in_turn(rankers, learning, train, context, refit=refit, origins=origins)
    return RankPipeline(model, tuple(rankers), tuple(trained)), data.where(fold.test)


def as_ranking_data(
    model: ResolvedRankModel,
    lists: Judgments,
    fold: Fold,
    context: RunContext,
    *,
    featurize: Featurize,
    match: TextMatch | None,
) -> RankingData:
    """Return all lists with their own features and text matching features, counted on the training lists."""
    columns = dict(zip(lists.columns, lists.features.T, strict=True))
    vectors: ItemFeatures | None = None
    if lists.texts is not None:
        known = np.zeros(len(lists.catalogue), np.bool_)
        known[lists.documents[fold.train[lists.list_of]]] = True
        match = match or text_match(lists)
        columns |= match.columns(lists.texts, lists.list_of, lists.documents, known)
        training = TrainingData(lists.relevant(fold.train), lists.catalogue, None, known)
        vectors, cosines = _cosines(model, lists, training, context, featurize)
        columns |= cosines
    features = np.stack(list(columns.values()), axis=1) if columns else np.zeros((len(lists.documents), 0))
    return RankingData(
        lists.offsets,
        torch.from_numpy(lists.documents),
        torch.zeros(len(lists.documents)),
        torch.from_numpy(features.astype(np.float32)),
        torch.from_numpy(lists.labels),
        tuple(columns),
        vectors,
        np.ones(len(lists), np.bool_),
    )


def _featurize(chosen: Chosen, featurizer: Featurizer[Any], data: TrainingData, context: RunContext) -> ItemFeatures:
    return fit_features(featurizer, data, context, chosen.origin)


def _cosines(
    model: ResolvedRankModel, lists: Judgments, training: TrainingData, context: RunContext, featurize: Featurize
) -> tuple[ItemFeatures | None, dict[str, Any]]:
    """Return the documents' features, and for each featurizer the cosine between query and document, `[N]`."""
    assert lists.texts is not None
    parts, cosines = [], {}
    names = [chosen.name for chosen in model.featurizers]
    for number, chosen in enumerate(model.featurizers, 1):
        featurizer = chosen.build()
        fit = naming(chosen.name)(partial(featurize, chosen, featurizer))
        features = item_features([fit], training, context.below(f"text-{number}"))
        assert features is not None
        columns = chosen.params.columns if isinstance(chosen.params, ReadsColumns) else lists.text
        with torch.inference_mode():
            catalogue = _as_catalogue(lists.texts, lists.text, columns[0])
            queries = transform_items(featurizer, catalogue, chosen.origin)
        name = chosen.name if names.count(chosen.name) == 1 else f"{chosen.name}-{number}"
        cosines[f"cosine-{name}"] = _cosine(queries, features, lists)
        parts.append(features)
    return concatenate_features(parts), cosines


def text_match(lists: Judgments) -> TextMatch:
    """Return the term counts of all documents that occur in a list."""
    judged = np.zeros(len(lists.catalogue), np.bool_)
    judged[lists.documents] = True
    return TextMatch(lists.catalogue, lists.text, judged)


def _as_catalogue(texts: Sequence[str], columns: Sequence[str], chosen: str) -> Catalogue:
    """Return a catalogue of the queries: the chosen column has the query's text, the others are empty."""
    ids = pa.array([None, *map(str, range(1, len(texts) + 1))], pa.string())
    table = {name: pa.nulls(len(ids), pa.string()) for name in columns}
    return Catalogue(ids, pa.table({**table, chosen: pa.array([None, *texts], pa.string())}))


def _cosine(queries: ItemFeatures, documents: ItemFeatures, lists: Judgments) -> Any:
    """Return the cosine between query and document of each judgement, `[N]`; 0 if either is empty."""
    left, right = queries.sparse(), documents.sparse()
    met = pair_products(left, right, lists.list_of + 1, lists.documents)
    lengths = [np.sqrt(np.asarray(m.multiply(m).sum(1), np.float32)).ravel() for m in (left, right)]
    scale = lengths[0][lists.list_of + 1] * lengths[1][lists.documents]
    return np.divide(met, scale, out=np.zeros_like(met), where=scale > 0)
