"""A set autoencoder whose bottleneck is a sort: what is kept of a candidate is its place, and little more."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from shopzoo_sorting.encoders import encoder
from shopzoo_sorting.network import SoftSort, SoftSorted
from shopzoo_sorting.params import SortingAutoencoderParams
from zoo.api import ListBatch


class SetAutoencoder(nn.Module):
    """Encodes a list, puts it in order, keeps the first places, and decodes from them.

    In training a call returns scores, decoded feedback and errors of reconstruction, `[B, K, 3]`; in evaluation the scores
    alone, `[B, K]`.
    """

    def __init__(self, width: int, p: SortingAutoencoderParams) -> None:
        """Make the network for inputs of a width."""
        super().__init__()
        self.kept, self.sorting = p.places, p.sorting
        self.sort = SoftSort(p.network, p.sigmoid, p.steepness)
        self.encoder = encoder(p, width)
        self.rank = nn.Linear(p.dim, 1)
        self.code = nn.Linear(p.dim, p.code) if p.code else None
        self.decoder = PlaceDecoder(p.code, p.dim)
        self.feedback = nn.Linear(p.dim, 1)
        self.features = nn.Linear(p.dim, width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return what is said above, of inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        scores, codes = self.encoded(inputs, mask)
        if not self.training:
            return scores
        told = self.decoded(scores, codes, mask)
        wrong = (self.features(told) - inputs).square().mean(-1)
        return torch.stack([scores, self.feedback(told).squeeze(-1), wrong], dim=-1)

    def reconstructed(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the inputs as the places tell them, `[B, K, W]`."""
        found: Tensor = self.features(self.decoded(*self.encoded(inputs, mask), mask))
        return found

    def turn(self) -> None:
        """Turn the order round, and let the decoder read the places from the other end.

        What it tells stays the same, but of lists longer than the places that are kept: there the other end is kept now.
        """
        for part in (self.rank.weight, self.rank.bias):
            part.data.neg_()
        self.decoder.backwards.logical_not_()

    def encoded(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return a score `[B, K]` and a code `[B, K, C]` for each candidate."""
        hidden = self.encoder(inputs, mask)
        codes = hidden[..., :0] if self.code is None else self.code(hidden)
        return self.rank(hidden).squeeze(-1).float(), codes

    def decoded(self, scores: Tensor, codes: Tensor, mask: Tensor) -> Tensor:
        """Return what the places tell of each candidate, `[B, K, D]`: sort, keep the first, decode, undo the sort."""
        order = self.in_order(scores, codes, mask)
        return order.undo(self.decoder(order.payloads[:, : self.kept], mask.sum(1), codes.shape[1]))

    def in_order(self, scores: Tensor, codes: Tensor, mask: Tensor) -> SoftSorted:
        """Return the codes in order, best first: by the scores, or whatever `sorting` puts in their place.

        Training draws the wires of the network; otherwise they follow the scores, and the order of the list has no say.
        """
        if self.sorting == "soft":
            return replace(self.sort, wires="random" if self.training else "sorted")(scores, codes, mask)
        listed = -torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device).expand_as(scores)
        key = listed if self.sorting == "none" else torch.rand_like(listed)
        return replace(self.sort, steepness=math.inf)(key, codes, mask)


class PlaceDecoder(nn.Module):
    """Reads a place of the order: where it is, and the code that came to stand there."""

    backwards: Tensor

    def __init__(self, code: int, dim: int) -> None:
        super().__init__()
        self.code = nn.Linear(code, dim) if code else None
        self.place = nn.Linear(3, dim)
        self.mix, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.behind = nn.Parameter(torch.zeros(dim))
        self.register_buffer("backwards", torch.tensor(False))

    def forward(self, codes: Tensor, lengths: Tensor, n: int) -> Tensor:
        """Return a vector for each of n places, `[B, n, D]`; those behind the codes `[B, k, C]` share one.

        Args:
            codes: What stands at the first places.
            lengths: Of the lists, `[B]`.
            n: Places of the longest list.
        """
        at = torch.arange(codes.shape[1], device=codes.device, dtype=torch.float32).expand(codes.shape[:2])
        last = (lengths[:, None] - 1).clamp(min=0)
        at = torch.where(self.backwards, (last - at).clamp(min=0), at)
        share = at / last.clamp(min=1)
        told = self.place(torch.stack([share, 1 / (at + 1), at.log1p() / 4], dim=-1))
        vectors = self.norm(gelu(self.mix(gelu(told if self.code is None else told + self.code(codes)))))
        behind = self.behind.expand(len(codes), n - codes.shape[1], -1)
        return torch.cat([vectors, behind], dim=1)


def corrupted(inputs: Tensor, mask: Tensor, drop: float, swap: float, noise: float) -> Tensor:
    """Return inputs `[B, K, W]` with features lost, taken from other candidates of the list, and noisy.

    Draws from torch's own generator, as dropout does.
    """
    k, width = inputs.shape[1:]
    others = (mask.float() + 1e-12).multinomial(k, replacement=True)
    elsewhere = inputs.gather(1, others[..., None].expand(-1, -1, width))
    fate = torch.rand_like(inputs)
    noisy = inputs + noise * torch.randn_like(inputs)
    return torch.where(fate < drop, 0.0, torch.where(fate < drop + swap, elsewhere, noisy)) * mask[..., None]


class Reconstruction(nn.Module):
    """An autoencoder with its loss without labels: what pretraining steps."""

    def __init__(self, network: SetAutoencoder, p: SortingAutoencoderParams) -> None:
        super().__init__()
        self.network, self.harm = network, (p.drop, p.swap, p.noise)

    def loss(self, batch: ListBatch) -> Tensor:
        """Return the mean squared error of what is reconstructed from the corrupted inputs of a batch."""
        harmed = corrupted(batch.inputs, batch.mask, *self.harm) if self.training else batch.inputs
        return error(self.network.reconstructed(harmed, batch.mask), batch.inputs, batch.mask)


def error(found: Tensor, inputs: Tensor, mask: Tensor) -> Tensor:
    """Return the mean squared error over the real candidates and their features."""
    wrong = (found - inputs).square().mean(-1)
    return (wrong * mask).sum() / mask.sum().clamp(min=1)
