"""Components of plugin API 1 in a core of API 2: what changed between the two, in one place.

In API 1 a stage that trains in epochs set `epochs`, and perhaps `history` and `stopped`, as attributes of their own; since
API 2 it sets one `trained`. In API 1 the parameters of a neural ranker held settings of its training; since API 2 these are
`[model.ranker_train]`. `grow` of API 1 is `add_items`.
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
"""The first plugin API whose components are taken as they are."""
STAGES = ("featurizer", "predictor", "filter", "ranker")
"""The stages whose classes are adapted."""
RENAMED = {"grow": "add_items"}
"""Methods that a stage of API 1 may override, and their names since API 2."""
RANKER_TRAINING = {
    "max_epochs": (int, Field(100, ge=1, description="The most epochs.")),
    "patience": (int, Field(10, ge=1, description="Epochs without a better validation after which training stops.")),
    "batch_size": (int, Field(32, ge=1, description="Lists in a batch.")),
    "learning_rate": (float, Field(1e-3, gt=0, description="The rate of AdamW.")),
    "weight_decay": (float, Field(0.0, ge=0, description="AdamW's decay.")),
}
"""Settings of training among the parameters of a neural ranker of API 1."""


def adapt_spec(spec: ComponentSpec) -> ComponentSpec:
    """Return a component's entry as this core reads it: a neural ranker of API 1 keeps its parameters of training."""
    if spec.api >= CHANGED or not issubclass(spec.params, NeuralRankerParams):
        return spec
    return replace(spec, params=_with_training(spec.params))


def adapt_class(target: type, spec: ComponentSpec) -> type:
    """Return a component's class as this core uses it: of API 1, a subclass with the names that API 2 has."""
    if spec.api >= CHANGED or spec.stage not in STAGES or not isinstance(target, type):
        return target
    trains = (
        callable(spec.capabilities) or spec.capabilities.trains_in_epochs or "epochs" in vars(target).get("fitted", ())
    )
    renamed = any(hasattr(target, old) for old in RENAMED)
    return adapt_methods(target, trains=trains) if trains or renamed else target


@cache
def adapt_methods(target: type, *, trains: bool) -> type:
    """Return a subclass with the methods of API 1 under their new names.

    Args:
        target: The class of the plugin.
        trains: Whether the subclass has a `trained` that reads and sets the attributes `epochs`, `history` and `stopped`.
    """

    def read(self: Any) -> Trained | None:
        epochs = _attribute(self, "epochs")
        if epochs is None:
            return None
        history = [at for at in _attribute(self, "history") or () if isinstance(at, dict)]
        return Trained(epochs, history, _attribute(self, "stopped") or "")

    def write(self: Any, trained: Trained | None) -> None:
        if trained is not None:
            self.epochs, self.history, self.stopped = trained.epochs, trained.history, trained.stopped

    def reduce(self: Any) -> tuple[Any, ...]:
        return _empty, (target, trains), vars(self)

    names: dict[str, Any] = {new: getattr(target, old) for old, new in RENAMED.items() if hasattr(target, old)}
    names |= {"__module__": target.__module__, "__qualname__": target.__qualname__, "__doc__": target.__doc__}
    if trains:
        names["trained"] = property(read, write)
    return type(target.__name__, (target,), {**names, "__reduce__": reduce})


def _attribute(stage: Any, name: str) -> Any:
    """Return an attribute of a stage, or None where `fit` has not set it."""
    try:
        return getattr(stage, name)
    except (AttributeError, NotFittedError):
        return None


def _empty(target: type, trains: bool) -> Any:
    """Return an instance to be filled, in a process that was sent one."""
    return object.__new__(adapt_methods(target, trains=trains))


@cache
def _with_training(params: type[NeuralRankerParams]) -> type[Params]:
    """Return parameters that have the settings of training which they had in API 1; a default of the plugin's own stays."""
    fields: dict[str, Any] = {name: field for name, field in RANKER_TRAINING.items() if name not in params.model_fields}
    made = create_model(params.__name__, __base__=params, __module__=params.__module__, **fields)
    made.__doc__ = params.__doc__
    return made
