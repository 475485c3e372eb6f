"""Soft sorting: scores and payloads pass through a sorting network of soft swaps, which can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from shopzoo_sorting.sigmoids import Sigmoid, keep_share
from shopzoo_sorting.wiring import Kind, Wiring, wiring

Wires = Literal["sorted", "listed", "random"]


@dataclass(frozen=True, eq=False)
class SoftSorted:
    """A list after soft sorting.

    Attributes:
        scores: Best first, `[B, K]`.
        payloads: The payloads in the same order, `[B, K, C]`.
        order: The slot of the list at the start of each wire of the network, `[B, K]` int64.
        shares: The share of each pair that was not swapped, `[pairs, B]`.
        wiring: The network.
    """

    scores: Tensor
    payloads: Tensor
    order: Tensor
    shares: Tensor
    wiring: Wiring

    def undo(self, payloads: Tensor) -> Tensor:
        """Return payloads `[B, K, C]`, given in sorted order, in the order of the list, by applying the swaps in reverse.

        This multiplies with the transpose of the relaxed permutation. With hard swaps it is the inverse of sorting.
        """
        rows = payloads.to(self.shares.dtype).permute(1, 2, 0)
        found: Tensor = _Undo.apply(rows, self.shares, self.wiring)  # type: ignore[no-untyped-call]
        found = found.permute(2, 0, 1).to(payloads.dtype)
        return torch.empty_like(payloads).scatter(1, _wide(self.order, payloads), found)


@dataclass(frozen=True)
class SoftSort:
    """A differentiable sort (Petersen et al., ICML 2021, ICLR 2022).

    Each comparison of the network mixes its two slots, for scores and payloads alike: a share
    `sigmoid(steepness * difference)` of a pair stays, the rest is swapped. The relaxed permutation matrix is applied without
    being stored: time and memory are O(K log^2 K) per list with `bitonic`, O(K^2) with `odd-even`.

    What differs from the papers is the assignment of items to the wires of the network. The papers assign them in the order
    of the list (`listed`), so the result depends on that order. `sorted` assigns them in the order of their scores, so the
    result does not depend on the order of the list. With either assignment, training can get stuck, because items meet the
    same others at the same comparisons in each step, especially in a bitonic network. `random` draws the wires of each list
    from torch's global generator, as dropout does; use it to train scores. The assignment is not differentiated.

    Attributes:
        network: `bitonic` or `odd-even`.
        sigmoid: One of `SIGMOIDS`.
        steepness: A positive number; with infinity this is a hard sort without gradients.
        wires: `sorted`, `listed` or `random`.
    """

    network: Kind = "bitonic"
    sigmoid: Sigmoid = "cauchy"
    steepness: float = 10.0
    wires: Wires = "sorted"

    def __call__(self, scores: Tensor, payloads: Tensor, mask: Tensor | None = None) -> SoftSorted:
        """Return scores `[B, K]` and payloads `[B, K, C]` sorted, best first.

        Slots where `mask` `[B, K]` is False come last and are zero. They take part in no comparison, so padding does not
        change the result.
        """
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        order = self._wires(scores if mask is None else scores.masked_fill(~mask, -torch.inf))
        rows = torch.cat([scores[..., None], payloads.to(scores.dtype)], dim=2)
        rows, lengths = rows.gather(1, _wide(order, rows)), None
        if mask is not None and not mask.all():
            rows, lengths = rows.masked_fill(~mask.gather(1, order)[..., None], 0.0), mask.sum(1)
        layers = wiring(self.network, scores.shape[1], scores.device)
        settings = (lengths, layers, self.sigmoid, self.steepness)
        found, shares = _Sort.apply(rows.permute(1, 2, 0), *settings)  # type: ignore[no-untyped-call]
        found = found.permute(2, 0, 1)
        return SoftSorted(found[..., 0], found[..., 1:], order, shares, layers)

    def _wires(self, scores: Tensor) -> Tensor:
        """Return the slot at the start of each wire, `[B, K]`; slots with a score of -inf get the last wires."""
        first = scores.detach()
        if self.wires != "sorted":
            drawn = torch.rand_like(first) if self.wires == "random" else torch.zeros_like(first)
            first = drawn.masked_fill_(first == -torch.inf, -torch.inf)
        return first.argsort(dim=1, descending=True, stable=True)


def _wide(order: Tensor, payloads: Tensor) -> Tensor:
    """Return an index `[B, K]` expanded to the payloads `[B, K, C]`."""
    return order[..., None].expand(-1, -1, payloads.shape[2])


class _Sort(torch.autograd.Function):
    """Apply the network to rows `[K, 1 + C, B]`, whose first column is the scores. The batch is innermost, so swaps are vectorised."""

    @staticmethod
    def forward(  # noqa: PLR0917 - a Function takes no keywords
        ctx: Any, rows: Tensor, lengths: Tensor | None, network: Wiring, sigmoid: str, steepness: float
    ) -> tuple[Tensor, Tensor]:
        """Return the rows in sorted order, and the shares `[pairs, B]` that were not swapped."""
        lists = rows.shape[2]
        shares, slopes = rows.new_empty(network.pairs, lists), rows.new_empty(network.pairs, lists)
        differences = rows.new_empty(network.pairs, *rows.shape[1:])
        for layer in network.layers:
            first, second, rows = _pairs(rows.index_select(0, layer.read), layer.pairs)
            apart = torch.sub(first, second, out=differences[layer.part])
            share, slope = keep_share(apart[:, 0], sigmoid, steepness)
            if lengths is not None:
                empty = layer.longer[:, None] >= lengths
                share.masked_fill_(empty, 1.0)
                slope.masked_fill_(empty, 0.0)
            shares[layer.part], slopes[layer.part] = share, slope
            _mix(first, second, share, rows)
        ctx.save_for_backward(shares, slopes, differences)
        ctx.network = network
        ctx.set_materialize_grads(False)
        return rows.index_select(0, network.read), shares

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor | None, given_shares: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradient of the rows."""
        (shares, slopes, differences), network = ctx.saved_tensors, ctx.network
        given = torch.zeros_like(differences[:1]).expand(len(network.read), -1, -1) if given is None else given
        given = given.index_select(0, network.write)
        for layer in reversed(network.layers):
            first, second, rows = _pairs(given, layer.pairs)
            by_share = torch.sub(first, second).mul_(differences[layer.part]).sum(1)
            if given_shares is not None:
                by_share += given_shares[layer.part]
            _mix(first, second, shares[layer.part], rows)
            by_share *= slopes[layer.part]
            rows[: layer.pairs, 0] += by_share
            rows[layer.pairs : 2 * layer.pairs, 0] -= by_share
            given = rows.index_select(0, layer.write)
        return given, None, None, None, None


class _Undo(torch.autograd.Function):
    """Apply the transposed swaps to rows `[K, C, B]` in sorted order, from the last layer to the first."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, shares: Tensor, network: Wiring) -> Tensor:
        """Return the rows in the order of the wires."""
        differences = rows.new_empty(network.pairs, *rows.shape[1:])
        rows = rows.index_select(0, network.write)
        for layer in reversed(network.layers):
            first, second, rows = _pairs(rows, layer.pairs)
            torch.sub(first, second, out=differences[layer.part])
            _mix(first, second, shares[layer.part], rows)
            rows = rows.index_select(0, layer.write)
        ctx.save_for_backward(shares, differences)
        ctx.network = network
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of the rows and of the shares."""
        (shares, differences), network = ctx.saved_tensors, ctx.network
        by_share = torch.empty_like(shares)
        for layer in network.layers:
            first, second, rows = _pairs(given.index_select(0, layer.read), layer.pairs)
            by_share[layer.part] = torch.sub(first, second).mul_(differences[layer.part]).sum(1)
            _mix(first, second, shares[layer.part], rows)
            given = rows
        return given.index_select(0, network.read), by_share, None


def _pairs(rows: Tensor, pairs: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return views of the two slots of each pair, and an output buffer, which already contains the rows without a comparison."""
    found = torch.empty_like(rows)
    found[2 * pairs :] = rows[2 * pairs :]
    return rows[:pairs], rows[pairs : 2 * pairs], found


def _mix(first: Tensor, second: Tensor, share: Tensor, out: Tensor) -> None:
    """Write the mixed pairs `[P, C, B]` to `out`: a share `[P, B]` of a pair stays, the rest is swapped."""
    share, pairs = share[:, None], len(first)
    torch.lerp(second, first, share, out=out[:pairs])  # exact where the share is 0 or 1
    torch.lerp(first, second, share, out=out[pairs : 2 * pairs])
