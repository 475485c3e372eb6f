"""How a training in epochs went: the one value that every stage that trains in epochs sets in `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Stop = Literal["patience", "max_epochs", "time_limit", "callback", ""]
"""What ended a training: early stopping, its last epoch, the clock, a plugin's callback; empty where that is not known."""


@dataclass(frozen=True)
class Trained:
    """How a training went.

    Attributes:
        epochs: Epochs of the weights that were kept.
        history: For each validation the `epoch`, the mean training `loss` in it, the `value` of the metric, and the
            `seconds` of training until then; empty where nothing was validated.
        stopped: What ended it.
    """

    epochs: int
    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: Stop = ""

    def as_json(self) -> dict[str, Any]:
        """Return `epochs` and `history`, which are saved with a fitted stage; `stopped` is not."""
        return {"epochs": self.epochs, "history": self.history}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Trained:
        """Return what `as_json` gave; other keys are ignored."""
        return cls(values["epochs"], values["history"])
