"""A torch random generator that can be sent to another process."""

from __future__ import annotations

from typing import Any

import torch


class TorchStream(torch.Generator):
    """A `torch.Generator` that pickles as its device and its state, which includes the seed.

    `torch.Generator` pickles its state as a tensor in shared memory, which a spawned process cannot open.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the device and the state."""
        return _restore, (str(self.device), self.get_state().numpy().tobytes())


def _restore(device: str, state: bytes) -> TorchStream:
    stream = TorchStream(device)
    stream.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return stream
