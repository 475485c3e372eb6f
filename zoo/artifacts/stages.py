"""Convert the stages of a pipeline to tensors and JSON, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo.artifacts.memory_limit import LimitedTensors
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.user_table import UserTable
from zoo.errors import ArtifactError
from zoo.nn.sparse import of_saved_parts
from zoo.pipeline import FittedPipeline
from zoo.pipeline.declared_columns import declared_columns, declared_user_columns
from zoo.pipeline.retrieval import Retrieval
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import Stage, State
from zoo.stages.state_schema import check_state
from zoo.tensors import MARK, can_store

Tensors = dict[str, dict[str, Tensor]]
"""Maps a file name to its tensors by name."""
FEATURES = "features"
FEATURES_SCHEMA = {"values": "float32 [I, D] | csr float32 [I, D]", "names": Annotated[list[str], "D"]}
"""The form of the item features."""


def stage_states(pipeline: FittedPipeline) -> tuple[Tensors, dict[str, Any]]:
    """Return the fitted state of all stages: tensors by file name, other values by stage name.

    Raises:
        ArtifactError: The state of a stage is not tensors and JSON, or contradicts its schema.
    """
    sizes = {"I": len(pipeline.known), "U": len(pipeline.known_users) - 1}
    tensors: Tensors = {}
    values: dict[str, Any] = {}
    named = _name_stages(
        pipeline.predictor, pipeline.featurizers, pipeline.filters, pipeline.rankers, pipeline.candidate_features
    )
    for name, stage in named:
        state = stage.state()
        refuse_foreign(state, name, type(stage).__name__)
        try:
            check_state(stage.state_schema(), state.tensors, state.values, sizes)
        except ValueError as error:
            raise ArtifactError(
                f"{name}: {type(stage).__name__}.{error}. Correct what `fitted` declares, or what `fit` sets."
            ) from None
        tensors[_file(name)], values[name] = state.tensors, state.values
    if pipeline.rankers and pipeline.features is not None:  # the state of the other stages contains what they need
        tensors[_file(FEATURES)], values[FEATURES] = features_to_state(pipeline.features)
    return tensors, values


def load_pipeline(
    model: ResolvedModel,
    known: NDArray[np.bool_],
    known_users: NDArray[np.bool_],
    *,
    counts: NDArray[np.int64] | None,
    n_events: int,
    tensors: Callable[[str], dict[str, Tensor]],
    values: Any,
    path: str,
    catalogue: Catalogue | None = None,
    users: UserTable | None = None,
) -> FittedPipeline:
    """Return the fitted pipeline of a model from the saved state of its stages.

    Args:
        model: The components.
        known: Items with an event in training, `[I]` bool.
        known_users: Users with an event in training, `[U + 1]` bool.
        counts: The events of each item in training, `[I]`; None if the artifact was saved without them.
        n_events: The number of event types.
        tensors: Returns the tensors of a file.
        values: The other values by stage name.
        path: Name of the artifact in messages.
        catalogue: The items, with the columns that the artifact keeps.
        users: The users, with the columns that the artifact keeps; None if it keeps none.

    Raises:
        ConfigError: A column that a ranker reads is missing.
        ArtifactError: A stage cannot load its state.
    """
    predictor = model.predictor.build()
    featurizers, filters, rankers = (
        tuple(chosen.build() for chosen in parts) for parts in (model.featurizers, model.filters, model.rankers)
    )
    ranking = CandidateFeatures(model.candidate_features) if rankers else None
    sizes = {"I": len(known), "U": len(known_users) - 1, "E": n_events}
    for name, stage in _name_stages(predictor, featurizers, filters, rankers, ranking):
        load_stage(stage, State(tensors(_file(name)), _of(values, name, path)), f"{path}/{_file(name)}", sizes)
    features = None
    if isinstance(values, dict) and FEATURES in values:
        try:
            features = features_from_state(tensors(_file(FEATURES)), values[FEATURES], sizes)
        except ValueError as error:
            raise ArtifactError(f"{path}/{_file(FEATURES)}: {error}. Save the artifact again.") from None
    retrieval = Retrieval.of(model, predictor, filters, known, known_users, counts=counts)
    columns, of_users = declared_columns(model, catalogue), declared_user_columns(model, users)
    return FittedPipeline(model, retrieval, featurizers, rankers, ranking, features, columns, of_users)


def load_stage(stage: Stage[Any], state: State, path: str, sizes: Mapping[str, int] | None = None) -> None:
    """Load the saved state of a stage.

    Args:
        stage: An unfitted stage.
        state: The saved state.
        path: Name of the file in messages.
        sizes: The sizes of the symbols in its schema that are known; see `zoo.stages.state_schema`.

    Raises:
        ArtifactError: The state contradicts the schema of the stage, or the stage cannot load it.
    """
    try:
        state = stage.migrate(state)
        check_state(stage.state_schema(), state.tensors, state.values, sizes or {})
        with LimitedTensors(state.tensors.values()):
            stage.load_state(state)
        again = stage.state()
    except Exception as error:  # a plugin's stage may raise anything
        raise ArtifactError(
            f"{path}: {type(stage).__name__} cannot load its saved state ({type(error).__name__}: {error}). "
            "Fit the model again with the installed version."
        ) from error
    before, after = _signature(state), _signature(again)
    if before != after:
        wrong = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        raise ArtifactError(
            f"{path}: {type(stage).__name__} cannot load its saved state: {', '.join(wrong)} are missing or "
            "have another shape. Fit the model again with the installed version."
        )


def _name_stages(
    predictor: Stage[Any],
    featurizers: Sequence[Stage[Any]],
    filters: Sequence[Stage[Any]],
    rankers: Sequence[Stage[Any]],
    ranking: CandidateFeatures | None,
) -> Iterator[tuple[str, Stage[Any]]]:
    """Yield each stage with a unique name."""
    yield "predictor", predictor
    for kind, stages in (("featurizer", featurizers), ("filter", filters), ("ranker", rankers)):
        for at, stage in enumerate(stages, 1):
            yield f"{kind}-{at}", stage
    if ranking is not None:
        yield "candidate-features", ranking


def _file(name: str) -> str:
    return f"{name}.safetensors"


def _of(values: Any, name: str, path: str) -> dict[str, Any]:
    """Return the values of a stage.

    Raises:
        ArtifactError: The stage has no values.
    """
    found = values.get(name) if isinstance(values, dict) else None
    if not isinstance(found, dict):
        raise ArtifactError(f"{path}/state.json has no table {name!r}. Save the artifact again.")
    return found


def _signature(state: State) -> dict[str, Any]:
    """Return the names of a state with the types, shapes and layouts of its tensors."""
    return {**dict.fromkeys(state.values), **{key: (t.dtype, t.shape, t.layout) for key, t in state.tensors.items()}}


def refuse_foreign(state: State, name: str, called: str) -> None:
    """Refuse a state that an artifact cannot hold.

    Raises:
        ArtifactError: The message names the stage and the entry.
    """
    for key, tensor in state.tensors.items():
        if not can_store(tensor):
            raise ArtifactError(
                f"{name}: {called}.{key} is a tensor of {tensor.dim()} axes in the layout "
                f"{str(tensor.layout).removeprefix('torch.')}, expected a dense one, or a matrix in the layout sparse_csr. "
                "Turn it into one of these in `fit`."
            )
        if MARK in key:
            raise ArtifactError(
                f"{name}: {called}.{key} has {MARK!r} in its name, which marks the parts of sparse tensors in a file. "
                "Give it another name."
            )
    for key, value in state.values.items():
        if not _is_json(value):
            raise ArtifactError(
                f"{name}: {called}.{key} is {type(value).__name__} {str(value)[:60]!r}, expected a tensor or JSON "
                "(null, true, numbers, text, lists, tables with text keys). Turn it into one of these in `fit`."
            )


def _is_json(value: Any) -> bool:
    """Return whether a value survives a JSON round trip unchanged."""
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return value is None or type(value) in (bool, int, float, str)


def features_to_state(features: ItemFeatures) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Convert item features to tensors and JSON."""
    return {"values": features.values}, {"names": list(features.names)}


def features_from_state(
    tensors: dict[str, Tensor], values: Any, sizes: Mapping[str, int] | None = None
) -> ItemFeatures:
    """Convert tensors and JSON back to item features; the older format with split sparse tensors is supported.

    Raises:
        ValueError: They contradict `FEATURES_SCHEMA`, or a sparse tensor is damaged.
    """
    names = values.get("names") if isinstance(values, dict) else None
    if "columns" in tensors:
        tensors = {"values": of_saved_parts(tensors, len(names or ()))}
    check_state(FEATURES_SCHEMA, tensors, {"names": names}, sizes or {})
    return ItemFeatures(tensors["values"], tuple(names or ()))
