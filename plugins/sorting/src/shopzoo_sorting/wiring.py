"""The comparisons of sorting networks, layer by layer: odd-even transposition and Batcher's bitonic network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["bitonic", "odd-even"]


@dataclass(frozen=True, eq=False)
class Layer:
    """Comparisons of disjoint pairs of slots, which are made in parallel.

    The rows of a layer are the first slots of its pairs, the second slots, and the slots without a comparison, in this order.

    Attributes:
        pairs: The number P of comparisons.
        longer: A comparison is made only in lists longer than this, `[P]` int64: those that have both slots, and that a network
            of their own length would compare here.
        read: The index of each row among the rows of the layer before, `[K]` int64.
        write: The inverse of `read`, `[K]` int64.
        part: The slice of these comparisons among those of the whole network.
    """

    pairs: int
    longer: Tensor
    read: Tensor
    write: Tensor
    part: slice


@dataclass(frozen=True, eq=False)
class Wiring:
    """The layers of a network for K slots; each comparison moves the larger value to the earlier slot.

    Attributes:
        layers: The layers in order.
        pairs: The total number of comparisons.
        read: The row of the last layer for each slot, `[K]` int64.
        write: The inverse of `read`, `[K]` int64.
    """

    layers: tuple[Layer, ...]
    pairs: int
    read: Tensor
    write: Tensor


@lru_cache(maxsize=128)
def wiring(kind: Kind, n: int, device: torch.device | None = None) -> Wiring:
    """Return the network for `n` slots, for any `n`.

    All comparisons put the larger value first, so a minimum that starts in the last slot stays there. A list whose length is
    not a power of two behaves like one that is padded with such values; the comparisons with padding do nothing and are left
    out.
    """
    rows, layers, done = torch.arange(n), [], 0
    for longer, pairs in {"bitonic": bitonic, "odd-even": odd_even}[kind](n):
        first, second = torch.tensor(pairs, dtype=torch.int64).T
        waits = torch.ones(n, dtype=torch.bool).index_fill_(0, torch.cat([first, second]), False)
        slots = torch.cat([first, second, waits.nonzero().squeeze(1)])
        read = rows[slots]
        rows = slots.argsort()
        part = slice(done, done := done + len(pairs))
        least = second.clamp(min=longer)
        layers.append(Layer(len(pairs), least.to(device), read.to(device), read.argsort().to(device), part))
    return Wiring(tuple(layers), done, rows.to(device), rows.argsort().to(device))


def odd_even(n: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the comparisons of odd-even transposition: n layers of neighbours, O(n^2) comparisons.

    Each layer is preceded by the length that a list must exceed to need it.
    """
    layers = [(at, [(i, i + 1) for i in range(at % 2, n - 1, 2)]) for at in range(n)]
    return [layer for layer in layers if layer[1]]


def bitonic(n: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the comparisons of the bitonic network (Batcher, AFIPS 1968): O(log^2 n) layers, O(n log^2 n) comparisons.

    Each stage merges blocks of twice the size: the first layer of a merge compares a sorted block with the reversed next one,
    the others compare slots at half the distance. This is Batcher's network with every second block reversed, so that no
    comparison points backwards. Each layer is preceded by the length that a list must exceed to need it; shorter lists are
    already sorted.
    """
    layers, half = [], 1
    while half < n:
        block, step = 2 * half, half // 2
        layers.append((half, [(s + i, s + block - 1 - i) for s in range(0, n, block) for i in range(half)]))
        while step:
            layers.append((half, [(s + i, s + i + step) for s in range(0, n, 2 * step) for i in range(step)]))
            step //= 2
        half = block
    kept = [(longer, [(a, b) for a, b in pairs if b < n]) for longer, pairs in layers]
    return [layer for layer in kept if layer[1]]
