"""A common but flawed two-tower model, for comparison with `conv-two-tower`, and an example of a model in one file.

    ZOO_DATA=path/to/data zoo bench examples/plugins/naive_two_tower.toml --plugin examples/plugins/naive_two_tower.py

The convolution runs over a single user id, so two of the three positions of its kernel only see padding; the pooling covers
one position; and a user is an id, not a history.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from zoo.api import (
    Capabilities,
    ComponentSpec,
    ItemTable,
    NeuralParams,
    NeuralPredictor,
    Objective,
    QueryBatch,
    Sizes,
    UserItem,
    hookimpl,
    neural_capabilities,
)


class NaiveTwoTower(NeuralPredictor[NeuralParams]):
    """A user embedding, a convolution of width 3 over one position, global max pooling and a dense layer."""

    @property
    def objective(self) -> Objective:
        """Return the training objective: pairs of users and items."""
        return UserItem()

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, sizes)


class Encoder(nn.Module):
    """The user tower."""

    def __init__(self, p: NeuralParams, sizes: Sizes) -> None:
        super().__init__()
        self.users = nn.Embedding(sizes.n_users + 1, p.dim, padding_idx=0)
        self.conv, self.out = nn.Conv1d(p.dim, p.dim, 3, padding=1), nn.Linear(p.dim, p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each user, `[B, 1, D]`."""
        x = self.users(batch.users)[:, :, None]
        return self.out(torch.relu(self.conv(x)).amax(2))[:, None]


def _of_users(params: NeuralParams) -> Capabilities:
    """Return the capabilities of a neural model with a vector for each training user."""
    return replace(neural_capabilities(params), cold_users=False)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the component."""
    return [
        ComponentSpec(
            name="naive-two-tower",
            stage="predictor",
            target=f"{__name__}:NaiveTwoTower",
            params=NeuralParams,
            summary="A common but flawed two-tower model: a convolution over a single user id.",
            capabilities=_of_users,
            api=2,
        )
    ]
