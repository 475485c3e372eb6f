"""A random stream of torch that can be sent to another process."""

from __future__ import annotations

from typing import Any

import torch


class TorchStream(torch.Generator):
    """A `torch.Generator` that pickles as its device and its state, which includes the seed.

    Torch pickles the state of its own class as a tensor in shared memory, which a process that is spawned cannot open.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Return device and state."""
        return _restored, (str(self.device), self.get_state().numpy().tobytes())


def _restored(device: str, state: bytes) -> TorchStream:
    stream = TorchStream(device)
    stream.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return stream
