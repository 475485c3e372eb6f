"""Random streams of a training: saved in checkpoints, and separate for each rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

Stream = np.random.Generator | torch.Generator


class Streams(pl.Callback):
    """Saves and restores the random streams, so that a resumed training draws the same numbers.

    Each rank has separate torch streams, for dropout and negatives. All ranks share the numpy streams, since they must
    agree on the order of the batches.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        """Set the streams that batches and loss draw from; torch's global generator is saved too."""
        self.streams = streams
        self._saved: list[dict[str, Any]] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Restore the saved streams, or seed the streams of this rank."""
        rank, saved = trainer.global_rank, self._saved or []
        if saved:
            _restore_states(self.streams, saved[rank if rank < len(saved) else 0], pl_module.device)
        if rank and rank >= len(saved):  # also a rank that an interrupted training did not have
            further = rank + trainer.world_size * trainer.current_epoch
            torch.manual_seed(torch.initial_seed() + further)
            for stream in self.streams:
                if isinstance(stream, torch.Generator):
                    stream.manual_seed(stream.initial_seed() + further)
        self._saved = None

    def state_dict(self) -> dict[str, Any]:
        """Return the stream states of each rank."""
        mine = _read_states(self.streams)
        if not torch.distributed.is_initialized():
            return {"processes": [mine]}
        everyone: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(everyone, mine)
        return {"processes": everyone}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Store the stream states; `on_train_start` restores them just before the first step."""
        self._saved = state_dict["processes"]


def _read_states(streams: Sequence[Stream]) -> dict[str, Any]:
    """Return the states of the streams."""
    own = [s.get_state() if isinstance(s, torch.Generator) else s.bit_generator.state for s in streams]
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    return {"torch": torch.get_rng_state(), "cuda": cuda, "own": own}


def _restore_states(streams: Sequence[Stream], saved: dict[str, Any], device: torch.device) -> None:
    """Restore the states of the streams."""
    torch.set_rng_state(saved["torch"])
    if saved["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(saved["cuda"], device)
    for stream, state in zip(streams, saved["own"], strict=True):
        if isinstance(stream, torch.Generator):
            stream.set_state(state)
        else:
            stream.bit_generator.state = state
