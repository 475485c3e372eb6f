"""A learned answer to which of two candidates stands higher, and a sort that asks it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from shopzoo_sorting.wiring import Kind, wiring


class Comparator(nn.Module):
    """Compares candidates after SortNet (Rigutini et al., IEEE Transactions on Neural Networks 2011).

    A hidden unit reads a pair by one set of weights for the first and another for the second; it has a twin with the two
    sets exchanged, and the answer is the difference of unit and twin. So it is antisymmetric whatever the weights: a pair
    that is turned round gets the opposite answer, and a candidate neither beats nor loses to itself.

    In training a call returns how candidates read as first and as second of a pair, `[B, K, 2 D]`, which `agreement` takes.
    In evaluation it returns scores `[B, K]`: minus the place that a sort by these answers gives each.
    """

    def __init__(self, encoder: nn.Module, dim: int, network: Kind) -> None:
        """Compare the vectors `[B, K, D]` that an encoder makes of the inputs."""
        super().__init__()
        self.encoder, self.network = encoder, network
        self.sides = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, 1, bias=False)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return what is said above, of inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        sides: Tensor = self.sides(self.encoder(inputs, mask))
        return sides if self.training else self.places(sides, mask)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Return by how much the first of each pair stands higher, `[...]`; both sides are `[..., 2 D]`."""
        (a, b), (c, d) = first.chunk(2, dim=-1), second.chunk(2, dim=-1)
        answer: Tensor = self.out((a + d).tanh() - (c + b).tanh())
        return answer.squeeze(-1)

    def agreement(self, sides: Tensor, labels: Tensor, mask: Tensor, partners: int) -> Tensor:
        """Return the mean of -log p(the better one stands higher): over the pairs of a list, then over lists.

        Each candidate meets some of its list, drawn with repetition from torch's own generator as dropout does; pairs with
        one label teach nothing.
        """
        lists, k, _ = sides.shape
        held = mask.float() + 1e-12  # a list without a candidate meets nobody real, and has no pair
        meets = held.multinomial(k * partners, replacement=True).view(lists, k, partners)
        other = sides.gather(1, meets.view(lists, -1, 1).expand(-1, -1, sides.shape[2])).view(lists, k, partners, -1)
        ahead = labels[..., None] - labels.gather(1, meets.view(lists, -1)).view_as(meets)
        counts = (ahead != 0) & mask[..., None] & mask.gather(1, meets.view(lists, -1)).view_as(meets)
        wrong = softplus(-ahead.sign() * self.compare(sides[:, :, None].expand_as(other), other)) * counts
        return (wrong.sum((1, 2)) / counts.sum((1, 2)).clamp(min=1)).mean()

    def places(self, sides: Tensor, mask: Tensor) -> Tensor:
        """Return minus the place of each candidate in the sorted list, from 0, `[B, K]` float32.

        The order comes from the comparisons of the network alone, about K log^2 K of all K^2 (`bitonic`). Answers need not
        be transitive, and then the result may depend on where each started: they start in the order of how they compare
        with the mean of their list, so that it does not depend on how the list lies.
        """
        lists, k, width = sides.shape
        lengths = mask.sum(1)
        mean = (sides * mask[..., None]).sum(1, keepdim=True) / lengths.clamp(min=1)[:, None, None]
        first = self.compare(sides, mean.expand_as(sides)).masked_fill(~mask, -torch.inf)
        rows = first.argsort(dim=1, descending=True, stable=True).T  # [K, B]: which candidate is in each slot
        at = torch.arange(lists, device=sides.device) * k
        flat = sides.reshape(lists * k, width)
        layers = wiring(self.network, k, sides.device)
        for layer in layers.layers:
            rows = rows.index_select(0, layer.read)
            upper, lower = rows[: layer.pairs], rows[layer.pairs : 2 * layer.pairs]
            swap = self.compare(flat[upper + at], flat[lower + at]) < 0
            swap &= layer.longer[:, None] < lengths
            changed = torch.where(swap, lower, upper), torch.where(swap, upper, lower)
            rows = torch.cat([*changed, rows[2 * layer.pairs :]])
        order = rows.index_select(0, layers.read).T
        place = -torch.arange(k, dtype=torch.float32, device=sides.device).expand(lists, -1)
        return torch.empty_like(place).scatter(1, order, place)
