"""What all stages share: built from parameters alone, fitted, saved as tensors and JSON."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError, NotFittedError
from zoo.params import Params
from zoo.trained import Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.stages.featurizer import ItemFeatures

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
    """A fitted stage as what may be written to disk: tensors, and values that JSON can hold."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Stage(ABC, Generic[P]):
    """A part of the pipeline: built from its `Params` alone, without data and without side effects.

    A subclass names in `fitted` the attributes that `fit` sets, each a tensor or a JSON value; the rest of
    saving and loading follows from that. One that trains in epochs also sets `trained`, which is saved as well.
    """

    fitted: ClassVar[tuple[str, ...]] = ()
    trained: Trained | None = None
    """How its training in epochs went; set by `fit` where the capabilities declare `trains_in_epochs`."""

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

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; with one that `fit` sets, what a `cached_property` made of an earlier fit is forgotten."""
        if name in type(self).fitted:
            for made in [n for n in self.__dict__ if isinstance(getattr(type(self), n, None), cached_property)]:
                del self.__dict__[made]
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Explain the one missing attribute that a user can cause: what `fit` would have set."""
        if name in type(self).fitted:
            raise NotFittedError(
                f"{type(self).__name__} is not fitted: call fit, or load a fitted state, before using it"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
