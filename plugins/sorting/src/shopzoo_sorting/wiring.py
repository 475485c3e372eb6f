"""Which slots a sorting network compares, layer by layer: odd-even transposition and Batcher's bitonic network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["bitonic", "odd-even"]


@dataclass(frozen=True, eq=False)
class Layer:
    """Comparisons that touch no slot twice, so that they are made at once.

    The rows of a layer are its first slots, its second slots and the slots that wait, in this order. `read` finds them
    among the rows of the layer before, `write` is its inverse.

    Attributes:
        pairs: The number P of comparisons.
        longer: A comparison is made in lists longer than this, `[P]` int64: those that have both slots, and that a network
            of their own length would compare here.
        read: `[K]` int64.
        write: `[K]` int64.
        part: The place of the comparisons among those of the whole network.
    """

    pairs: int
    longer: Tensor
    read: Tensor
    write: Tensor
    part: slice


@dataclass(frozen=True, eq=False)
class Wiring:
    """The layers of a network for K slots, the larger value always to the slot that comes first.

    Attributes:
        layers: In the order in which they act.
        pairs: The number of comparisons in all of them.
        read: Where the rows of the last layer are to be found in the order of the slots, `[K]` int64.
        write: Its inverse, `[K]` int64.
    """

    layers: tuple[Layer, ...]
    pairs: int
    read: Tensor
    write: Tensor


@lru_cache(maxsize=128)
def wiring(kind: Kind, n: int, device: torch.device | None = None) -> Wiring:
    """Return the network for `n` slots, for any `n`.

    All comparisons put the larger value first, so a value smaller than all others that starts in the last slot stays there.
    A list that is no power of two long is one that was filled up with such values: its comparisons with them do nothing
    and are left out.
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

    Before each layer stands the length that a list must exceed to need it.
    """
    layers = [(at, [(i, i + 1) for i in range(at % 2, n - 1, 2)]) for at in range(n)]
    return [layer for layer in layers if layer[1]]


def bitonic(n: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the comparisons of the bitonic network (Batcher, AFIPS 1968): O(log^2 n) layers, O(n log^2 n) comparisons.

    Blocks of twice the size are merged in each stage: the first layer of a merge compares a sorted block with the next one
    read backwards, the others compare slots at half the distance. This is Batcher's network with every second block
    turned round, so that no comparison points backwards. Before each layer stands the length that a list must exceed to
    need it: shorter ones are sorted already.
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
