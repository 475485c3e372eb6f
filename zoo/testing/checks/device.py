"""Devices: a component fitted on one device works on another."""

from __future__ import annotations

import torch

from zoo.stages.stage import State
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import Subject, difference


def other_devices() -> list[torch.device]:
    """Return the devices of this machine other than the CPU."""
    return [torch.device("cuda")] if torch.cuda.is_available() else []


@check(
    *FITTED_STAGES, only="components with fitted state, on a machine with a GPU", when=lambda s: s.has_state and bool(other_devices()),
    sentence="A component fitted on a GPU gives the same outputs on the CPU.",
    remedy="Create tensors on `context.device`, and compute on the device of the tensors in `fitted`.",
)  # fmt: skip
def device(subject: Subject) -> None:
    """The check fits and queries it on the GPU, moves its state to the CPU, and queries it there. The outputs agree up to rounding."""
    for there in other_devices():
        world = shop()
        part = subject.fit(world, device=there)
        state = part.state()
        moved = subject.build()
        moved.load_state(State({name: tensor.cpu() for name, tensor in state.tensors.items()}, state.values))
        a, b = (subject.ask(p, world) for p in (part, moved))
        require(not (found := difference(a, b, loose=True)), f"outputs on {there} and on the CPU: {found}")
