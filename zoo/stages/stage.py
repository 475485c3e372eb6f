"""The base class of all stages: built from parameters, fitted on data, saved as tensors and JSON."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError, NotFittedError
from zoo.params import Params
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures
from zoo.stages.state_schema import Fitted
from zoo.stages.user_columns import UserColumns
from zoo.trained import TRAINING, Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The data that a stage is fitted on.

    Attributes:
        interactions: The events before the cutoff; further columns are read lazily, `interactions.column("price")`.
        catalogue: All items with their columns, including items that do not occur in training.
        features: The item features of the catalogue, or None for a model without a featurizer.
        known: Which items occur in training, `[I]`.
        user_columns: The columns of the user table that a predictor declares, by user number.
    """

    interactions: Interactions
    catalogue: Catalogue
    features: ItemFeatures | None
    known: NDArray[np.bool_]
    user_columns: UserColumns = field(default_factory=UserColumns.none)

    @classmethod
    def of(
        cls,
        interactions: Interactions,
        catalogue: Catalogue | None = None,
        features: ItemFeatures | None = None,
        user_columns: UserColumns | None = None,
    ) -> TrainingData:
        """Return the training data of a log, by default with a catalogue without item columns and no columns of users."""
        catalogue = catalogue or Catalogue.bare(interactions.n_items)
        return cls(interactions, catalogue, features, interactions.known, user_columns or UserColumns.none())

    def guarded(self) -> TrainingData:
        """Return the same data for one stage: what it writes into the item features reaches no other stage."""
        return replace(self, features=None if self.features is None else GuardedItemFeatures.of(self.features))

    def texts(self, names: Sequence[str]) -> list[str]:
        """Return one text per item, `[I]`, that joins the given text columns, for stages that learn from texts.

        Raises:
            DataError: A column is missing or is not text, or no item that occurs in training has a text.
        """
        texts = self.catalogue.texts(names)
        if not any(texts[item].strip() for item in np.flatnonzero(self.known)):
            raise DataError(
                f"the catalogue's {', '.join(map(repr, names))}: no text for any of the {int(self.known.sum()):,} items that "
                "occur in training. Choose other `columns`, or correct the items file."
            )
        return texts


@dataclass(frozen=True)
class State:
    """The state of a fitted stage in a form that can be written to disk.

    Attributes:
        tensors: Dense tensors and sparse CSR matrices, by name.
        values: JSON values, by name.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    def copy(self) -> State:
        """Return a state that shares no memory with this one; `copy.deepcopy` cannot copy a tensor in CSR layout."""
        return State({name: tensor.clone() for name, tensor in self.tensors.items()}, deepcopy(self.values))


class FittedAttribute:
    """An attribute that `fit` sets. Reading it before raises an error; setting it clears the cached properties."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, stage: Stage[Any] | None, owner: type[Stage[Any]]) -> Any:
        """Return the value.

        Raises:
            NotFittedError: The stage is neither fitted nor loaded.
        """
        if stage is None:
            return self
        try:
            return stage.__dict__[self.name]
        except KeyError:
            raise NotFittedError(
                f"{owner.__name__} is not fitted: call fit, or load a fitted state, before using it"
            ) from None

    def __set__(self, stage: Stage[Any], value: Any) -> None:
        """Set the value and clear the cached properties of the stage."""
        for cached in [n for n in stage.__dict__ if isinstance(getattr(type(stage), n, None), cached_property)]:
            del stage.__dict__[cached]
        stage.__dict__[self.name] = value

    def __delete__(self, stage: Stage[Any]) -> None:
        """Remove the value."""
        stage.__dict__.pop(self.name, None)


class Stage(ABC, Generic[P]):
    """A part of the pipeline. The constructor takes only `Params`, reads no data and has no side effects.

    A subclass declares in `fitted` the attributes that `fit` sets, each a tensor (dense or a CSR matrix) or a JSON value, with
    its form, `Fitted(weights="float32 [I, D]", names=list[str])` (see `zoo.stages.state_schema`). Saving and loading use this
    declaration, and a saved state of another form is refused. In plugin API 1 it is a tuple of names, and only the names,
    types and shapes in the manifest of the artifact are checked. A stage that trains in epochs also sets `trained`, which
    is saved too.
    """

    fitted: ClassVar[Fitted | tuple[str, ...]] = ()
    trained: Trained | None = None
    """The result of training in epochs; set by `fit` if the capabilities declare `trains_in_epochs`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make each name in `fitted` an attribute that raises `NotFittedError` until it is set."""
        super().__init_subclass__(**kwargs)
        for name in cls.fitted:
            if not hasattr(cls, name):  # a class may give it a default, or compute it
                setattr(cls, name, FittedAttribute(name))

    def __init__(self, params: P) -> None:
        self.params = params

    def __repr__(self) -> str:
        """Return the class with the parameters that were set."""
        given = self.params.model_dump(include=self.params.model_fields_set) if isinstance(self.params, Params) else {}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def state(self) -> State:
        """Return the fitted attributes.

        Raises:
            NotFittedError: The stage is not fitted.
        """
        values = {name: getattr(self, name) for name in self.fitted}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        rest = {name: value for name, value in values.items() if name not in tensors}
        return State(tensors, {**rest, **({} if self._keeps_epochs() else self._training())})

    def load_state(self, state: State) -> None:
        """Restore what `state` returned."""
        values = {**state.tensors, **state.values}
        if "epochs" in values and not self._keeps_epochs():
            self.trained = Trained.of_json(values)
            values = {name: value for name, value in values.items() if name not in ("epochs", "history", "chosen")}
        for name, value in values.items():
            setattr(self, name, value)

    def state_schema(self) -> Mapping[str, Any]:
        """Return the form of each entry of `state`; empty if `fitted` declares none. Override it together with `state`."""
        return {**self.fitted, **TRAINING} if isinstance(self.fitted, Fitted) else {}

    def _training(self) -> dict[str, Any]:
        """Return `trained` as JSON under its keys in artifacts; empty if the stage did not train in epochs."""
        return {} if self.trained is None else self.trained.as_json()

    def _keeps_epochs(self) -> bool:
        """Return whether the stage itself lists `epochs` in `fitted`, as in plugin API 1."""
        return "epochs" in self.fitted

    def migrate(self, state: State) -> State:
        """Convert a state that an earlier version of this class saved to the form that `load_state` expects.

        Called before `load_state` with the content of a file. Override if names or shapes have changed. Pass separately
        saved parts of a sparse matrix through `zoo.nn.sparse.checked_csr`.
        """
        return state
