"""A loss in one file: `predictor = { name = "sasrec", loss = "hinge" }` with `--plugin examples/plugins/hinge_loss.py`."""

import torch
from torch import Tensor

from zoo.api import ItemTable, LossSpec, hookimpl
from zoo.nn import Negatives


def hinge(hidden: Tensor, items: ItemTable, targets: Tensor, negatives: Negatives, *, temperature: float) -> Tensor:
    """Return how far each negative comes within a margin of 1 of the target, a scalar."""
    positive = items.logits(hidden, targets)[:, None]  # [N, 1]
    negative = hidden @ items.embed_outputs(negatives.items).T  # [N, K]
    return (torch.relu(1 - (positive - negative) / temperature) * negatives.others(targets)).mean()


@hookimpl
def zoo_losses() -> list[LossSpec]:
    """Return the losses of this file."""
    return [
        LossSpec(
            name="hinge",
            target="hinge_loss:hinge",
            options=("temperature",),
            summary="Hinge loss of the target and the negatives.",
        )
    ]
