"""The users' histories in an artifact: tensors of a file, checked against its users and items when they are read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from zoo.artifacts.manifest import LogEntry
from zoo.data.interactions import Interactions
from zoo.nn.sparse import check_offsets

HISTORIES = "histories.safetensors"
"""The name of the file."""
DTYPES = {"offsets": torch.int64, "items": torch.int32, "times": torch.int64, "events": torch.uint8}
"""The arrays of a log that are saved, with their types."""


def histories_to_tensors(log: Interactions) -> dict[str, Tensor]:
    """Return the tensors to save: `offsets` `[U + 1]`, and `items`, `times` and `events`, each `[N]`."""
    return {name: torch.from_numpy(np.ascontiguousarray(getattr(log, name))) for name in DTYPES}


def histories_from_tensors(tensors: Mapping[str, Tensor], log: LogEntry, n_users: int, n_items: int) -> Interactions:
    """Return the histories that a file contains, or empty ones if the artifact was saved without histories.

    Args:
        tensors: The content of the file; empty if there is none.
        log: The event types and the clock.
        n_users: The number of users U.
        n_items: The number of items, without padding.

    Raises:
        ValueError: The tensors do not match each other, the users, the items or the event types.
    """
    empty = {name: torch.zeros(n_users + 1 if name == "offsets" else 0, dtype=dtype) for name, dtype in DTYPES.items()}
    found = tensors or empty
    if set(found) != set(DTYPES):
        raise ValueError(f"histories: expected the tensors {', '.join(DTYPES)}, found {', '.join(sorted(found))}")
    n = found["items"].numel()
    for name, dtype in DTYPES.items():
        tensor, shape = found[name], [n_users + 1] if name == "offsets" else [n]
        if tensor.dtype != dtype or list(tensor.shape) != shape:
            raise ValueError(
                f"{name}: expected {dtype} {shape}, found {tensor.dtype} {list(tensor.shape)}".replace("torch.", "")
            )
    check_offsets(found["offsets"], n_users, n)
    _check_range("items", found["items"], 1, n_items)
    _check_range("events", found["events"], 0, len(log.event_names) - 1)
    weights = np.asarray(log.event_weights, np.float32)
    return Interactions(
        offsets=found["offsets"].numpy(),
        items=found["items"].numpy(),
        times=found["times"].numpy(),
        events=found["events"].numpy(),
        n_items=n_items,
        event_names=tuple(log.event_names),
        event_weights=weights,
        clock=log.clock,
        ties=log.ties,
    )


def _check_range(name: str, numbers: Tensor, low: int, high: int) -> None:
    """Check that all numbers are from `low` to `high`.

    Raises:
        ValueError: One of them is not.
    """
    if numbers.numel():
        least, most = map(int, numbers.aminmax())
        if least < low or most > high:
            raise ValueError(f"{name}: expected {low} to {high:,}, found {least:,} to {most:,}")
