"""Cross-entropy over the whole catalogue: what sampled losses approximate."""

import torch
from torch import Tensor

from zoo.nn.items import ItemTable


def softmax(hidden: Tensor, table: ItemTable, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean of -log p(target) with a softmax over every item that occurs in training.

    Args:
        hidden: `[N, D]`.
        table: The item vectors.
        targets: `[N]`.
        temperature: Divides the scores.
    """
    return torch.nn.functional.cross_entropy(table.all_logits(hidden / temperature), targets)
