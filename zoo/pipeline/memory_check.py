"""Check before a fit that the memory which its components declare is available."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.interactions import Interactions
from zoo.data_size import DataSize
from zoo.errors import ResourceError
from zoo.machine_memory import available_memory
from zoo.training.by_data import SMALLEST_BATCH

GIB = 2**30


def size_of(log: Interactions, batch_size: int = SMALLEST_BATCH) -> DataSize:
    """Return the size of a log."""
    return DataSize(int(np.count_nonzero(log.lengths)), int(np.count_nonzero(log.known)), len(log), batch_size)


def needed_bytes(model: ResolvedModel, size: DataSize) -> tuple[Chosen, int] | None:
    """Return the component that needs the most memory to fit, and the bytes; None if no component has an estimate."""
    estimates = [(part, part.params.fit_memory(size)) for part in model.parts]
    known = [(part, needed) for part, needed in estimates if needed is not None]
    return max(known, key=lambda found: found[1], default=None)


def check_memory(model: ResolvedModel, log: Interactions, device: torch.device) -> None:
    """Check that each component of a model can be fitted in the available memory.

    Raises:
        ResourceError: A component needs more; the message says how much, and what to do.
    """
    size = size_of(log, model.train.batch_size or SMALLEST_BATCH)
    found = needed_bytes(model, size)
    if found is None:
        return
    part, needed = found
    free = available_bytes(device)
    if needed > free:
        raise ResourceError(
            f"{part.name} needs about {needed / GIB:.1f} GiB to be fitted on {size.users:,} users, {size.items:,} items and "
            f"{size.events:,} events, but {free / GIB:.1f} GiB are available on {device}. Leave out rare items (`k_core` in "
            "[data]), use a machine with more memory, or choose another model."
        )


def available_bytes(device: torch.device, root: Path = Path("/")) -> int:
    """Return the bytes that this process can still allocate on a device.

    Args:
        device: The device.
        root: The root of the file system that describes the machine and its control groups.
    """
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else available_memory(root)
