"""Adapters that let components written for plugin API 1 run in a core of API 2.

In API 1 a stage that trains in epochs sets the attributes `epochs` and, optionally, `history` and `stopped`; in API 2 it
sets `trained`. In API 1 the parameters of a neural ranker include its training settings; in API 2 these are in
`[model.ranker_train]`. The method `grow` of API 1 is `add_items` in API 2.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import Field, create_model

from zoo.errors import NotFittedError
from zoo.neural_params import NeuralRankerParams
from zoo.params import Params
from zoo.spec import ComponentSpec
from zoo.trained import Trained

CHANGED = 2
"""The first plugin API whose components need no adapter."""
STAGES = ("featurizer", "predictor", "filter", "ranker")
"""The stages whose classes are adapted."""
RENAMED = {"grow": "add_items"}
"""Methods of API 1 that a stage may override, and their names in API 2."""
RANKER_TRAINING = {
    "max_epochs": (int, Field(100, ge=1, description="Maximum number of epochs.")),
    "patience": (
        int,
        Field(
            10,
            ge=1,
            description="Number of epochs without improvement on the validation split after which training stops.",
        ),
    ),
    "batch_size": (int, Field(32, ge=1, description="Number of lists per batch.")),
    "learning_rate": (float, Field(1e-3, gt=0, description="Learning rate of AdamW.")),
    "weight_decay": (float, Field(0.0, ge=0, description="Weight decay of AdamW.")),
}
"""Training settings that are parameters of a neural ranker in API 1."""


def adapt_spec(spec: ComponentSpec) -> ComponentSpec:
    """Return a spec adapted to this core: a neural ranker of API 1 keeps its training parameters."""
    if spec.api >= CHANGED or not issubclass(spec.params, NeuralRankerParams):
        return spec
    return replace(spec, params=_with_training(spec.params))


def adapt_class(target: type, spec: ComponentSpec) -> type:
    """Return a component class adapted to this core: for API 1, a subclass with the names of API 2."""
    if spec.api >= CHANGED or spec.stage not in STAGES or not isinstance(target, type):
        return target
    trains = (
        callable(spec.capabilities) or spec.capabilities.trains_in_epochs or "epochs" in vars(target).get("fitted", ())
    )
    renamed = any(_overrides(target, old) for old in RENAMED)
    return adapt_methods(target, trains=trains) if trains or renamed else target


@cache
def adapt_methods(target: type, *, trains: bool) -> type:
    """Return a subclass that provides the methods of API 1 under their names in API 2.

    Args:
        target: The class of the plugin.
        trains: Add a property `trained` that reads and sets the attributes `epochs`, `history` and `stopped`.
    """

    def read(self: Any) -> Trained | None:
        epochs = _attribute(self, "epochs")
        if epochs is None:
            return None
        history = [at for at in _attribute(self, "history") or () if isinstance(at, dict)]
        return Trained(
            epochs, history, _attribute(self, "stopped") or "", chosen=_attribute(self, "_chosen_by_data") or {}
        )

    def write(self: Any, trained: Trained | None) -> None:
        if trained is not None:
            self.epochs, self.history, self.stopped = trained.epochs, trained.history, trained.stopped
            self._chosen_by_data = trained.chosen

    def reduce(self: Any) -> tuple[Any, ...]:
        return _empty, (target, trains), vars(self)

    names: dict[str, Any] = {new: getattr(target, old) for old, new in RENAMED.items() if _overrides(target, old)}
    names |= {"__module__": target.__module__, "__qualname__": target.__qualname__, "__doc__": target.__doc__}
    if trains:
        names["trained"] = property(read, write)
    return type(target.__name__, (target,), {**names, "__reduce__": reduce})


def _overrides(target: type, name: str) -> bool:
    """Return whether a class of the plugin defines a method."""
    return any(name in vars(c) and not c.__module__.startswith("zoo.") for c in target.__mro__)


def _attribute(stage: Any, name: str) -> Any:
    """Return an attribute of a stage, or None if `fit` has not set it."""
    try:
        return getattr(stage, name)
    except (AttributeError, NotFittedError):
        return None


def _empty(target: type, trains: bool) -> Any:
    """Return an instance without attributes, for unpickling."""
    return object.__new__(adapt_methods(target, trains=trains))


@cache
def _with_training(params: type[NeuralRankerParams]) -> type[Params]:
    """Return a subclass of the parameters with the training settings of API 1; fields of the plugin take precedence."""
    fields: dict[str, Any] = {name: field for name, field in RANKER_TRAINING.items() if name not in params.model_fields}
    adapted = create_model(params.__name__, __base__=params, __module__=params.__module__, **fields)
    adapted.__doc__ = params.__doc__
    return adapted
