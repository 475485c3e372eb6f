"""Components of plugin API 1 in a core of API 2: what changed between the two, in one place.

In API 1 a stage that trains in epochs set `epochs`, and perhaps `history` and `stopped`, as attributes of their own; since
API 2 it sets one `trained`. In API 1 the parameters of a neural ranker held settings of its training; since API 2 these are
`[model.ranker_train]`.
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
STAGES = ("featurizer", "predictor", "ranker")
"""The stages that may train in epochs."""
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
    """Return a component's class as this core uses it: of API 1 and trained in epochs, a subclass that has `trained`."""
    if spec.api >= CHANGED or spec.stage not in STAGES:
        return target
    declared = callable(spec.capabilities) or spec.capabilities.trains_in_epochs
    names_epochs = isinstance(target, type) and "epochs" in vars(target).get("fitted", ())
    return with_trained(target) if isinstance(target, type) and (declared or names_epochs) else target


@cache
def with_trained(target: type) -> type:
    """Return a subclass whose `trained` reads and sets the attributes `epochs`, `history` and `stopped`."""

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
        return _empty, (target,), vars(self)

    names = {"__module__": target.__module__, "__qualname__": target.__qualname__, "__doc__": target.__doc__}
    return type(target.__name__, (target,), {**names, "trained": property(read, write), "__reduce__": reduce})


def _attribute(stage: Any, name: str) -> Any:
    """Return an attribute of a stage, or None where `fit` has not set it."""
    try:
        return getattr(stage, name)
    except (AttributeError, NotFittedError):
        return None


def _empty(target: type) -> Any:
    """Return an instance to be filled, in a process that was sent one."""
    return object.__new__(with_trained(target))


@cache
def _with_training(params: type[NeuralRankerParams]) -> type[Params]:
    """Return parameters that have the settings of training which they had in API 1; a default of the plugin's own stays."""
    fields: dict[str, Any] = {name: field for name, field in RANKER_TRAINING.items() if name not in params.model_fields}
    made = create_model(params.__name__, __base__=params, __module__=params.__module__, **fields)
    made.__doc__ = params.__doc__
    return made
