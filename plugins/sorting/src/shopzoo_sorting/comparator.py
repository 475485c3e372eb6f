"""A learned comparison of two candidates, and a sort that uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from shopzoo_sorting.wiring import Kind, wiring


class Comparator(nn.Module):
    """Compares candidates as in SortNet (Rigutini et al., IEEE Transactions on Neural Networks 2011).

    A hidden unit has one set of weights for the first and another for the second candidate of a pair; a twin unit has the
    two sets exchanged, and the output is the difference of the two. It is therefore antisymmetric for any weights: a
    reversed pair gets the opposite output, and a candidate compared with itself gets 0.

    In training mode `forward` returns the vectors of candidates as first and as second of a pair, `[B, K, 2 D]`, for
    `agreement`. In evaluation mode it returns scores `[B, K]`: the negative ranks after sorting by these comparisons.
    """

    def __init__(self, encoder: nn.Module, dim: int, network: Kind) -> None:
        """Build a comparator of the vectors `[B, K, D]` of an encoder."""
        super().__init__()
        self.encoder, self.network = encoder, network
        self.sides = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, 1, bias=False)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the outputs described above, for inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        sides: Tensor = self.sides(self.encoder(inputs, mask))
        return sides if self.training else self.places(sides, mask)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Return a positive value if the first candidate of a pair ranks higher, `[...]`; the vectors are `[..., 2 D]`."""
        (a, b), (c, d) = first.chunk(2, dim=-1), second.chunk(2, dim=-1)
        answer: Tensor = self.out((a + d).tanh() - (c + b).tanh())
        return answer.squeeze(-1)

    def agreement(self, sides: Tensor, labels: Tensor, mask: Tensor, partners: int) -> Tensor:
        """Return the mean of -log p(the better candidate ranks higher) over the pairs of a list, averaged over lists.

        Each candidate is compared with `partners` candidates of its list, drawn with replacement from torch's global
        generator, as dropout does; pairs with equal labels are ignored.
        """
        lists, k, _ = sides.shape
        held = mask.float() + 1e-12  # `multinomial` needs positive weights; an empty list has no valid pair
        meets = held.multinomial(k * partners, replacement=True).view(lists, k, partners)
        other = sides.gather(1, meets.view(lists, -1, 1).expand(-1, -1, sides.shape[2])).view(lists, k, partners, -1)
        ahead = labels[..., None] - labels.gather(1, meets.view(lists, -1)).view_as(meets)
        counts = (ahead != 0) & mask[..., None] & mask.gather(1, meets.view(lists, -1)).view_as(meets)
        wrong = softplus(-ahead.sign() * self.compare(sides[:, :, None].expand_as(other), other)) * counts
        return (wrong.sum((1, 2)) / counts.sum((1, 2)).clamp(min=1)).mean()

    def places(self, sides: Tensor, mask: Tensor) -> Tensor:
        """Return the negative rank of each candidate in the sorted list, from 0, `[B, K]` float32.

        The sorting network makes about K log^2 K of all K^2 comparisons (`bitonic`). Comparisons need not be transitive, so the
        result may depend on the initial order. Candidates start in the order of their comparison with the mean of the list,
        so the result does not depend on the order of the list.
        """
        lists, k, width = sides.shape
        lengths = mask.sum(1)
        mean = (sides * mask[..., None]).sum(1, keepdim=True) / lengths.clamp(min=1)[:, None, None]
        first = self.compare(sides, mean.expand_as(sides)).masked_fill(~mask, -torch.inf)
        rows = first.argsort(dim=1, descending=True, stable=True).T  # [K, B]: the candidate in each slot
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
