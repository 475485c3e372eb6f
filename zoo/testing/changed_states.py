"""States that differ from a fitted one in one entry, which no component may load."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from zoo.stages.stage import State
from zoo.trained import TRAINING


def changed_states(state: State, n_rows: int) -> Iterator[tuple[str, State]]:
    """Yield states with an entry less, with a tensor of another type, and with a tensor of one row less.

    Args:
        state: The fitted state.
        n_rows: The length of the axes that lose a row: the number of items with padding.
    """
    for name in state.values.keys() - TRAINING.keys():
        yield f"without {name}", State(state.tensors, {key: v for key, v in state.values.items() if key != name})
    for name, tensor in state.tensors.items():
        others = {key: other for key, other in state.tensors.items() if key != name}
        yield f"without {name}", State(others, state.values)
        for what, changed in _changed_tensors(tensor, n_rows):
            yield f"{name} {what}", State({**others, name: changed}, state.values)


def _changed_tensors(tensor: Tensor, n_rows: int) -> Iterator[tuple[str, Tensor]]:
    """Yield a tensor with another type, and with a row less on each axis of `n_rows`."""
    other = torch.int16 if tensor.is_floating_point() else torch.float64
    yield f"of type {str(other).removeprefix('torch.')}", tensor.to(other)
    for axis, size in enumerate(tensor.shape):
        if size == n_rows and tensor.layout == torch.strided:
            yield f"with {n_rows - 1} rows on axis {axis}, expected {n_rows}", tensor.narrow(axis, 0, n_rows - 1)
