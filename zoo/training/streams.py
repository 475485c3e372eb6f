"""Random numbers of a training: kept in its checkpoints, and other ones in each process that trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

Stream = np.random.Generator | torch.Generator


class Streams(pl.Callback):
    """Keeps the streams, so that a training that goes on draws what it would have drawn.

    Of several processes each has its own torch streams (dropout and negatives are theirs), and all have the same numpy
    streams: they must agree on the order of the batches.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        """Take the streams that batches and loss draw from; torch's global one is kept beside them."""
        self.streams = streams
        self._saved: list[dict[str, Any]] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Put the streams where they were, or apart."""
        rank = trainer.global_rank
        if self._saved is not None:
            _put(self.streams, self._saved[rank], pl_module.device)
        elif rank:
            torch.manual_seed(torch.initial_seed() + rank)
            for stream in self.streams:
                if isinstance(stream, torch.Generator):
                    stream.manual_seed(stream.initial_seed() + rank)
        self._saved = None

    def state_dict(self) -> dict[str, Any]:
        """Return the streams of each process."""
        mine = _taken(self.streams)
        if not torch.distributed.is_initialized():
            return {"processes": [mine]}
        everyone: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(everyone, mine)
        return {"processes": everyone}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the streams; they are set as the last thing before the first step."""
        self._saved = state_dict["processes"]


def _taken(streams: Sequence[Stream]) -> dict[str, Any]:
    """Return where the streams are."""
    own = [s.get_state() if isinstance(s, torch.Generator) else s.bit_generator.state for s in streams]
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    return {"torch": torch.get_rng_state(), "cuda": cuda, "own": own}


def _put(streams: Sequence[Stream], saved: dict[str, Any], device: torch.device) -> None:
    """Put the streams where they were."""
    torch.set_rng_state(saved["torch"])
    if saved["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(saved["cuda"], device)
    for stream, state in zip(streams, saved["own"], strict=True):
        if isinstance(stream, torch.Generator):
            stream.set_state(state)
        else:
            stream.bit_generator.state = state
