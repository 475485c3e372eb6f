"""What all stages share: built from parameters alone, fitted, saved as tensors and JSON."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError, NotFittedError
from zoo.params import Params
from zoo.stages.item_features import ItemFeatures
from zoo.trained import Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a stage may learn from.

    Attributes:
        interactions: The events before the cutoff; further columns lazily, `interactions.column("price")`.
        catalogue: The items with their columns; those that did not occur in training as well.
        features: What the featurizer made of the catalogue, or None where the model has no featurizer.
        known: Which items occur in training, `[I]`.
    """

    interactions: Interactions
    catalogue: Catalogue
    features: ItemFeatures | None
    known: NDArray[np.bool_]

    @classmethod
    def of(
        cls, interactions: Interactions, catalogue: Catalogue | None = None, features: ItemFeatures | None = None
    ) -> TrainingData:
        """Return training data of a log, by default with a catalogue that knows nothing of its items."""
        return cls(interactions, catalogue or Catalogue.bare(interactions.n_items), features, interactions.known)

    def texts(self, names: Sequence[str]) -> list[str]:
        """Return the catalogue's texts in the given columns as one an item, `[I]`, for those who learn from texts.

        Raises:
            DataError: There is no such column, it is not text, or no item that occurs in training has one.
        """
        texts = self.catalogue.texts(names)
        if not any(texts[item].strip() for item in np.flatnonzero(self.known)):
            raise DataError(
                f"the catalogue's {', '.join(map(repr, names))}: no text for any of the {int(self.known.sum()):,} items that "
                "occur in training. Choose other `columns`, or mend the items file."
            )
        return texts


@dataclass(frozen=True)
class State:
    """A fitted stage as what may be written to disk.

    Attributes:
        tensors: Dense tensors, and matrices in torch's sparse CSR layout, by name.
        values: What JSON can hold.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    def copy(self) -> State:
        """Return a state that shares no memory with this one; `copy.deepcopy` cannot copy a tensor in CSR layout."""
        return State({name: tensor.clone() for name, tensor in self.tensors.items()}, deepcopy(self.values))


class FittedAttribute:
    """An attribute that `fit` sets: it is missing before, and setting it discards what was cached from an earlier fit."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, stage: Stage[Any] | None, owner: type[Stage[Any]]) -> Any:
        """Return the value.

        Raises:
            NotFittedError: The stage was neither fitted nor loaded.
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
        """Set the value and discard the cached properties of the stage."""
        for cached in [n for n in stage.__dict__ if isinstance(getattr(type(stage), n, None), cached_property)]:
            del stage.__dict__[cached]
        stage.__dict__[self.name] = value

    def __delete__(self, stage: Stage[Any]) -> None:
        """Remove the value."""
        stage.__dict__.pop(self.name, None)


class Stage(ABC, Generic[P]):
    """A part of the pipeline: built from its `Params` alone, without data and without side effects.

    A subclass names in `fitted` the attributes that `fit` sets, each a tensor (dense, or a matrix in CSR layout) or a JSON
    value; the rest of saving and loading follows from that. One that trains in epochs also sets `trained`, which is saved
    as well.
    """

    fitted: ClassVar[tuple[str, ...]] = ()
    trained: Trained | None = None
    """How its training in epochs went; set by `fit` where the capabilities declare `trains_in_epochs`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make each name in `fitted` an attribute that explains itself where it is not set yet."""
        super().__init_subclass__(**kwargs)
        for name in cls.fitted:
            if not hasattr(cls, name):  # a class may give it a default, or compute it
                setattr(cls, name, FittedAttribute(name))

    def __init__(self, params: P) -> None:
        self.params = params

    def state(self) -> State:
        """Return what fitting learned.

        Raises:
            NotFittedError: The stage was not fitted.
        """
        values = {name: getattr(self, name) for name in self.fitted}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        rest = {name: value for name, value in values.items() if name not in tensors}
        return State(tensors, {**rest, **({} if self._keeps_epochs() else self._training())})

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        values = {**state.tensors, **state.values}
        if "epochs" in values and not self._keeps_epochs():
            self.trained = Trained.of_json(values)
            values = {name: value for name, value in values.items() if name not in ("epochs", "history")}
        for name, value in values.items():
            setattr(self, name, value)

    def _training(self) -> dict[str, Any]:
        """Return how training went as JSON, under the names that artifacts have for it; nothing where it did not train."""
        return {} if self.trained is None else self.trained.as_json()

    def _keeps_epochs(self) -> bool:
        """Return whether `epochs` is an attribute of the stage's own, as in plugin API 1."""
        return "epochs" in self.fitted

    def migrate(self, state: State) -> State:
        """Return a state that an earlier version of this class saved in the form that `load_state` takes.

        Called before `load_state` with whatever a file holds; to be overridden where names or shapes have changed. Parts of
        a sparse matrix that were saved one by one go through `zoo.nn.sparse.checked_csr`.
        """
        return state
