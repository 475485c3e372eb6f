"""The result of training in epochs, which every stage that trains in epochs sets in `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field

Stop = Literal["patience", "max_epochs", "time_limit", "callback", "pruned", ""]
"""Why training stopped: early stopping, the last epoch, the time limit, a plugin's callback, a search that prunes its trials;
empty if unknown."""

TRAINING: Mapping[str, Any] = {
    "epochs": NotRequired[Annotated[int, Field(ge=0)]],
    "history": NotRequired[list[dict[str, Any]]],
    "chosen": NotRequired[dict[str, Any]],
}
"""The form of each entry of `Trained.as_json` in a saved state."""


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        epochs: The number of epochs of the final weights.
        history: For each validation its `epoch`, the mean training `loss` of that epoch, the `value` of the metric and the
            `seconds` of training so far; empty without validation.
        stopped: Why training stopped.
        earlier: Seconds that an earlier process spent on the training before an interruption; 0 without one.
        chosen: The dropout rates and settings that the data chose, by name; empty if all were set.
    """

    epochs: int
    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: Stop = ""
    earlier: float = 0.0
    chosen: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what is saved with a fitted stage: `epochs`, `history` and, if there are any, `chosen`."""
        return {"epochs": self.epochs, "history": self.history, **({"chosen": self.chosen} if self.chosen else {})}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Trained:
        """Restore what `as_json` returned; other keys are ignored."""
        return cls(values["epochs"], values["history"], chosen=values.get("chosen", {}))
