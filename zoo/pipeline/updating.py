"""Changed item columns in a fitted pipeline: filters, prices and categories are read again, everything that was learned stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from zoo.config.chosen import Chosen
from zoo.data.catalogue import Catalogue
from zoo.errors import ArtifactError, DataError
from zoo.pipeline.fitted import FittedPipeline
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.filter import Filter


def with_item_columns(pipeline: FittedPipeline, catalogue: Catalogue, changed: Collection[str]) -> FittedPipeline:
    """Return a pipeline whose filters and ranking features have read the columns of the items again; this one stays as it is.

    Args:
        pipeline: The fitted pipeline.
        catalogue: All items, with their new values.
        changed: The names of the changed columns.

    Raises:
        ArtifactError: A stage learned from a changed column, or a filter does not support changed values.
        DataError: A filter cannot read the new values.
    """
    _refuse_learned(pipeline, changed)
    ranking = pipeline.candidate_features
    if ranking is not None:
        state, ranking = ranking.state().copy(), CandidateFeatures(pipeline.model.candidate_features)
        ranking.load_state(state)
        ranking.update_items(catalogue, changed)
    filters = tuple(
        _updated(chosen, item_filter, catalogue, changed)
        for chosen, item_filter in zip(pipeline.model.filters, pipeline.filters, strict=True)
    )
    columns = pipeline.columns and catalogue.select(pipeline.columns.columns)
    retrieval = replace(pipeline.retrieval, filters=filters)
    return replace(pipeline, retrieval=retrieval, candidate_features=ranking, columns=columns)


def _updated(chosen: Chosen, fitted: Filter[Any], catalogue: Catalogue, changed: Collection[str]) -> Filter[Any]:
    """Return a filter that has read the catalogue again; the filter itself if it reads no column."""
    kind = type(fitted)
    reads = kind.add_items is not Filter.add_items or kind.update_items is not Filter.update_items
    if not reads and not set(_texts(chosen.params.model_dump())) & set(changed):
        return fitted
    fresh: Filter[Any] = chosen.build()
    fresh.load_state(fitted.state().copy())
    try:
        fresh.update_items(catalogue)
    except DataError as error:
        raise DataError(
            f"{chosen.name}: {error} The filter reads this column, and the artifact keeps only numbers, Booleans, dates and short texts. "
            "Add the column to the new values, or fit the model again."
        ) from error
    return fresh


def _refuse_learned(pipeline: FittedPipeline, changed: Collection[str]) -> None:
    """Refuse to change a column that a stage has learned from.

    Raises:
        ArtifactError: There is one; the message names the stage.
    """
    model = pipeline.model
    for chosen in (*model.featurizers, model.predictor, *model.rankers):
        named = set(_texts(chosen.params.model_dump()))
        if chosen in model.rankers and not chosen.capabilities.trainable:  # it reads the columns anew for each list
            named -= set(chosen.capabilities.columns)
        wrong = sorted(set(changed) & named)
        if wrong:
            raise ArtifactError(
                f"the column {wrong[0]!r} may not change without a new fit: {chosen.name} learned its features from it. Leave "
                "the column out, or fit the model again."
            )
        if chosen in model.featurizers and not _lists_columns(chosen):
            raise ArtifactError(
                f"{model.label}: {chosen.name} chose its columns by itself, so {', '.join(sorted(changed))} may be among them. "
                "Fit the model with named columns, or again with the new values."
            )
    ranking, learned = pipeline.candidate_features, [c.name for c in model.rankers if c.capabilities.trainable]
    wrong = sorted(set(changed) & set(ranking.categories)) if ranking is not None and learned else []
    if wrong:
        raise ArtifactError(
            f"the column {wrong[0]!r} may not change without a new fit: {' and '.join(learned)} learned from ranking features that "
            "were computed from it. Leave the column out, fit the model again, or fit it without these features: "
            'candidate_features = { groups = ["score"] } frees the column.'
        )


def _lists_columns(chosen: Chosen) -> bool:
    """Return whether the parameters of a featurizer name its columns."""
    return any(isinstance(value, list) and value for value in chosen.params.model_dump().values())


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in the parameters of a component, among which are the columns that it reads."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
