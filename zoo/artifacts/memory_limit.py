"""A limit on the tensors that a stage creates while it loads: sizes in a file do not decide how much memory is taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FREE_BYTES = 2**26
"""What a new tensor may take in any case (64 MiB)."""
TIMES = 4
"""How many times the size of its saved state a new tensor may take."""


class LimitedTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, refuses to create a tensor that is far larger than the saved state of the stage."""

    def __init__(self, saved: Iterable[Tensor]) -> None:
        """Set the limit for a stage with these tensors in its state."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit = FREE_BYTES + TIMES * sum(_n_bytes(tensor) for tensor in saved)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, after computing the size of what it creates on the device `meta`, which allocates nothing.

        Raises:
            ValueError: A new tensor is larger than the limit.
        """
        kwargs = kwargs or {}
        if _creates(func):
            unset = dict.fromkeys(kwargs.keys() & {"generator", "pin_memory"})
            plan = func(*args, **{**kwargs, **unset, "device": torch.device("meta")})
            if _n_bytes(plan) > self.limit:
                raise ValueError(
                    f"expected no tensor of more than {self.limit / 2**20:,.0f} MiB for a state of this size, found "
                    f"{str(plan.dtype).removeprefix('torch.')} {list(plan.shape)}"
                )
        return func(*args, **kwargs)


def _creates(func: Any) -> bool:
    """Return whether an operation creates a dense tensor of a given size; all of these have an argument `pin_memory`."""
    name = str(func)
    return "copy" not in name and "sparse" not in name and any(a.name == "pin_memory" for a in func._schema.arguments)


def _n_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size() if tensor.layout == torch.strided else tensor.values().numel() * 16
