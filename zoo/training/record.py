"""What is kept of how a training went, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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


def fit_of(predictor: Any, seconds: float) -> dict[str, Any]:
    """Return epochs, history and seconds of a predictor that was just fitted, and what it was stopped by.

    Args:
        predictor: Trains in epochs, and says so by `epochs`; its `history`, if it has one, is a list of tables with
            `epoch`, `loss`, `value` and `seconds`, one a validation; its `stopped`, if it has one, is a word.
        seconds: How long `fit` took, validations included; taken where the history has no better figure.
    """
    history = [at for at in getattr(predictor, "history", ()) if isinstance(at, dict)]
    return {
        "epochs": predictor.epochs,
        "seconds": history[-1].get("seconds", seconds) if history else seconds,
        "history": history,
        "stopped": str(getattr(predictor, "stopped", "")),
    }


def ranker_records(chosen: Sequence[Any], rankers: Sequence[Any]) -> list[dict[str, Any]]:
    """Return how the rankers that train in epochs were trained: name, epochs, and the history of the training that chose them."""
    return [
        {
            "name": c.name,
            "epochs": r.epochs,
            "history": list(getattr(r, "history", [])),
            "ignored": getattr(r, "ignored", []),
        }
        for c, r in zip(chosen, rankers, strict=True)
        if c.capabilities.validates
    ]
