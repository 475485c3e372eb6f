"""Devices: what is fitted on one may be used on another."""

from __future__ import annotations

import torch

from zoo.stages.stage import State
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import FITTED_STAGES, require
from zoo.testing.subject import Subject, difference


def other_devices() -> list[torch.device]:
    """Return the devices of this machine beside the CPU."""
    return [torch.device("cuda")] if torch.cuda.is_available() else []


@check(
    *FITTED_STAGES, only="those that learn something, on a machine with a GPU", when=lambda s: s.learns and bool(other_devices()),
    sentence="Fitted on a GPU and asked on the CPU it answers as on the GPU.",
    remedy="Make tensors on `context.device`, and let those of `fitted` say where an answer is computed.",
)  # fmt: skip
def device(subject: Subject) -> None:
    """It is fitted and asked on the GPU; its state is moved to the CPU, loaded and asked there: the same, but for rounding."""
    for there in other_devices():
        world = shop()
        part = subject.fit(world, device=there)
        state = part.state()
        moved = subject.build()
        moved.load_state(State({name: tensor.cpu() for name, tensor in state.tensors.items()}, state.values))
        a, b = (subject.ask(p, world) for p in (part, moved))
        require(not (found := difference(a, b, loose=True)), f"on {there} and on the CPU: {found}")
