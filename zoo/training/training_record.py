"""The record of a model's training, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.trained import Trained

if TYPE_CHECKING:
    from zoo.config.chosen import Chosen
    from zoo.stages.ranker import Ranker


def record(fits: Sequence[dict[str, Any]], monitor: str | None) -> dict[str, Any]:
    """Return the training record of a model: the first fit in full, epochs and seconds of the refits; empty without fits.

    The record has `epochs` (of the final weights), `seconds` of training, `stopped` (the reason) if known, `chosen` (what
    the data chose) if there is any, and with
    validation also `monitor`, `history` and `seconds_to_best`: training time up to the best epoch, without validation.
    `refits` lists epochs and seconds of the later fits, and `stopped` for a fit that ended early.

    Args:
        fits: The result of `fit_of` for each fit, in order.
        monitor: The monitored metric, such as `ndcg@10`.
    """
    if not fits:
        return {}
    first, *later = fits
    watched: dict[str, Any] = {}
    if first["history"]:
        to_best = next((at.get("seconds") for at in first["history"] if at["epoch"] == first["epochs"]), None)
        watched = {"monitor": monitor, "seconds_to_best": to_best, "history": first["history"]}
    chosen = {"chosen": first["chosen"]} if first["chosen"] else {}
    return {**_size(first), **chosen, **watched, "refits": [_size(fit, usual="max_epochs") for fit in later]}


def _size(fit: dict[str, Any], usual: str = "") -> dict[str, Any]:
    """Return epochs and seconds of a fit, and why it stopped unless that is unknown or equals `usual`."""
    stopped = {} if fit["stopped"] in ("", usual) else {"stopped": fit["stopped"]}
    return {"epochs": fit["epochs"], "seconds": fit["seconds"], **stopped}


def fit_of(trained: Trained, seconds: float) -> dict[str, Any]:
    """Return epochs, history and seconds of a fit, why it stopped, and what the data chose.

    Args:
        trained: The training result of the predictor.
        seconds: Duration of `fit` including validation; used if the history has no training time. Earlier processes of an
            interrupted training add theirs.
    """
    history, seconds = trained.history, seconds + trained.earlier
    return {
        "epochs": trained.epochs,
        "seconds": history[-1].get("seconds", seconds) if history else seconds,
        "history": history,
        "stopped": trained.stopped,
        "chosen": trained.chosen,
    }


def ranker_records(
    chosen: Sequence[Chosen], rankers: Sequence[Ranker[Any]], trained: Sequence[Trained | None]
) -> list[dict[str, Any]]:
    """Return name, epochs and history of each ranker that trains in epochs."""
    return [
        {"name": c.name, "epochs": how.epochs, "history": how.history, "ignored": list(ranker.ignored)}
        for c, ranker, how in zip(chosen, rankers, trained, strict=True)
        if c.capabilities.trains_in_epochs and how is not None
    ]
