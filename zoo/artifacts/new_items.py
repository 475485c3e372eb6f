"""Items that were not there when a pipeline was fitted: read as a catalogue, and taken in without another fit."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.resolved import Chosen, ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.files import file_table
from zoo.data.log import refuse_repeated
from zoo.data.schema import Mapped, ids
from zoo.data.vocabulary import Vocabulary
from zoo.errors import ArtifactError, ConfigError, DataError, suggestion
from zoo.pipeline import Pipeline
from zoo.registry.registry import default_registry
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.featurizer import joined


def new_items(source: str | Path | pa.Table, known: Vocabulary) -> tuple[Catalogue, str]:
    """Return the catalogue of new items alone, and what to call it in messages.

    Args:
        source: A row an item, under the zoo's own column names: a table, or a file in any format of the data's items.
        known: The items that there are.

    Raises:
        DataError: The table cannot be read, has no ids, names an item twice, or one that is known already.
    """
    if isinstance(source, str | Path):
        file = file_table(source)
        rows = Mapped.of(file, {}, "the columns", file.name, file.place)
    else:
        rows = Mapped.of(source, {}, "the columns", "new items")
    names = rows.column_names
    if "item_id" not in names:
        raise DataError(
            f"{rows.origin}: no column 'item_id'.{suggestion('item_id', names)} Its columns: {', '.join(names) or 'none'}. "
            "Give new items the column names that the items of training have in the zoo."
        )
    table = rows.select(names)
    found = ids(rows, table.column("item_id"), "item_id")
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), "item_id is empty, expected an id. Mend the row.")
    refuse_repeated(rows, found)
    again = known.numbers(found.unique)[found.codes] > 0
    if again.any():
        at = int(np.argmax(again))
        rows.fail(
            at,
            f"item_id {found.unique[int(found.codes[at])].as_py()!r} is an item of the artifact's already, expected new items "
            "only. Remove the row.",
        )
    return Vocabulary.of(found.unique).catalogue(found, table.drop_columns(["item_id"])), rows.origin


def grown(pipeline: Pipeline, catalogue: Catalogue, origin: str) -> Pipeline:
    """Return a pipeline that knows new items as well; the one that is given stays as it is.

    Args:
        pipeline: Fitted.
        catalogue: The new items; they are numbered after all others, in its order.
        origin: What to call it in messages.

    Raises:
        ArtifactError: A part of the pipeline cannot take new items.
        DataError: A column that a part reads is missing, or is of another type.
    """
    model = pipeline.model
    _refuse_warm_only(model)
    try:
        features = joined([f.transform(catalogue) for f in pipeline.featurizers])
        assert features is not None  # a model without a featurizer is refused
        features = features.without_padding()
        result = copy.copy(pipeline)
        result.predictor = _copied(model.predictor, pipeline.predictor)
        result.predictor.grow(features)
        result.filters = [_copied(c, f) for c, f in zip(model.filters, pipeline.filters, strict=True)]
        for item_filter in result.filters:
            item_filter.grow(catalogue)
        if pipeline.rankers:
            result.candidate_features = CandidateFeatures(model.candidate_features)
            result.candidate_features.load_state(pipeline.candidate_features.state())
            result.candidate_features.grow(catalogue, features)
    except DataError as error:
        raise DataError(
            f"{origin}: {error} The fitted model reads this: give new items the columns that the items of training had, of "
            "the same type."
        ) from error
    if pipeline.features is not None:
        result.features = pipeline.features.followed_by(features)
    result.known = after(pipeline.known, catalogue, value=False)
    return result


def after(values: NDArray[np.bool_], catalogue: Catalogue, *, value: bool) -> NDArray[np.bool_]:
    """Return what is so of each item, `[I]`, continued for new ones, `[I + N]`."""
    return np.concatenate([values, np.full(len(catalogue) - 1, value)])


def _copied(chosen: Chosen, stage: Any) -> Any:
    """Return a stage of its own with what another one learned."""
    fresh = chosen.build()
    fresh.load_state(stage.state())
    return fresh


def _refuse_warm_only(model: ResolvedModel) -> None:
    """Refuse a model of which a part knows nothing but the items of training.

    Raises:
        ArtifactError: There is such a part; the message says what could take its place.
    """
    name = model.predictor.name
    if not model.scores_cold(model.predictor) or not model.featurizers:
        could = ", ".join(_growing())
        what = "has no `featurizer`" if name in _growing() else "takes no item features"
        raise ArtifactError(
            f"{model.label}: new items are scored by their features, and {name} {what}. Fit a model that can score them, "
            f"with a `featurizer`: {could}."
        )
    for kind, parts in (("filter", model.filters), ("ranker", model.rankers)):
        for part in parts:
            if not model.scores_cold(part):
                raise ArtifactError(
                    f"{model.label}: the {kind} {part.name} knows the items of training only. Fit the model without it, or "
                    "again with the new items."
                )


def _growing() -> list[str]:
    """Return the names of the installed predictors that score new items by their features."""
    names = []
    for component in default_registry().components("predictor"):
        try:
            can = component.capabilities(component.params())
        except ConfigError:  # it cannot do without a parameter of its own
            continue
        if can.features != "none" and can.cold_items:
            names.append(component.name)
    return names
