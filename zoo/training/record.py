"""What is kept of how a training went, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.trained import Trained

if TYPE_CHECKING:
    from zoo.config.resolved import Chosen
    from zoo.stages.ranker import Ranker


def record(fits: Sequence[dict[str, Any]], monitor: str | None) -> dict[str, Any]:
    """Return the account of a model's fits: the first in full, of the later ones their size; empty where there is none.

    The account has `epochs` (those of the weights that were kept), `seconds` of training, what it was `stopped` by where
    the predictor tells, and where `monitor` was watched the `history` and the `seconds_to_best`: training until the
    epochs that were kept, validations left out. `refits` lists epochs and seconds of the fits that took this number of
    epochs; one that something cut short has a `stopped`.

    Args:
        fits: What `fit_of` returned for each, in order.
        monitor: The metric that was watched, such as `ndcg@10`.
    """
    if not fits:
        return {}
    first, *later = fits
    watched: dict[str, Any] = {}
    if first["history"]:
        to_best = next((at.get("seconds") for at in first["history"] if at["epoch"] == first["epochs"]), None)
        watched = {"monitor": monitor, "seconds_to_best": to_best, "history": first["history"]}
    return {**_size(first), **watched, "refits": [_size(fit, usual="max_epochs") for fit in later]}


def _size(fit: dict[str, Any], usual: str = "") -> dict[str, Any]:
    """Return epochs and seconds of a fit, and what it was stopped by, unless that is not told or is the usual."""
    stopped = {} if fit["stopped"] in ("", usual) else {"stopped": fit["stopped"]}
    return {"epochs": fit["epochs"], "seconds": fit["seconds"], **stopped}


def fit_of(trained: Trained, seconds: float) -> dict[str, Any]:
    """Return epochs, history and seconds of a fit, and what it was stopped by.

    Args:
        trained: How the predictor says that its training went.
        seconds: How long `fit` took, validations included; taken where the history has no better figure.
    """
    history = trained.history
    return {
        "epochs": trained.epochs,
        "seconds": history[-1].get("seconds", seconds) if history else seconds,
        "history": history,
        "stopped": trained.stopped,
    }


def ranker_records(
    chosen: Sequence[Chosen], rankers: Sequence[Ranker[Any]], trained: Sequence[Trained | None]
) -> list[dict[str, Any]]:
    """Return how the rankers that train in epochs were trained: name, epochs, and the history of the training that chose them."""
    return [
        {"name": c.name, "epochs": how.epochs, "history": how.history, "ignored": list(ranker.ignored)}
        for c, ranker, how in zip(chosen, rankers, trained, strict=True)
        if c.capabilities.trains_in_epochs and how is not None
    ]
