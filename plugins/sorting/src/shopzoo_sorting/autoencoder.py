"""A set autoencoder with a sort as its bottleneck: a candidate is represented by its rank and a short code."""

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
    """Encodes a list, sorts it, keeps the first places, and decodes them.

    In training mode `forward` returns scores, decoded feedback and reconstruction errors, `[B, K, 3]`; in evaluation mode
    only the scores, `[B, K]`.
    """

    def __init__(self, width: int, p: SortingAutoencoderParams) -> None:
        """Build the network for inputs of a given width."""
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
        """Return the outputs described above, for inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        scores, codes = self.encode(inputs, mask)
        if not self.training:
            return scores
        decoded = self.decode(scores, codes, mask)
        wrong = (self.features(decoded) - inputs).square().mean(-1)
        return torch.stack([scores, self.feedback(decoded).squeeze(-1), wrong], dim=-1)

    def reconstruct(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the inputs reconstructed from the places, `[B, K, W]`."""
        found: Tensor = self.features(self.decode(*self.encode(inputs, mask), mask))
        return found

    def reverse(self) -> None:
        """Reverse the order, and let the decoder count places from the other end.

        The reconstruction stays the same, except for lists longer than the number of places, of which the other end is now
        kept.
        """
        for part in (self.rank.weight, self.rank.bias):
            part.data.neg_()
        self.decoder.backwards.logical_not_()

    def encode(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return a score `[B, K]` and a code `[B, K, C]` for each candidate."""
        hidden = self.encoder(inputs, mask)
        codes = hidden[..., :0] if self.code is None else self.code(hidden)
        return self.rank(hidden).squeeze(-1).float(), codes

    def decode(self, scores: Tensor, codes: Tensor, mask: Tensor) -> Tensor:
        """Return a decoded vector for each candidate, `[B, K, D]`: sort, keep the first places, decode, undo the sort."""
        order = self.sort_codes(scores, codes, mask)
        return order.undo(self.decoder(order.payloads[:, : self.kept], mask.sum(1), codes.shape[1]))

    def sort_codes(self, scores: Tensor, codes: Tensor, mask: Tensor) -> SoftSorted:
        """Sort the codes, best first: by the scores, or as `sorting` says.

        In training the wires of the network are drawn at random; otherwise they follow the scores, so that the order of the
        list does not matter.
        """
        if self.sorting == "soft":
            return replace(self.sort, wires="random" if self.training else "sorted")(scores, codes, mask)
        listed = -torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device).expand_as(scores)
        key = listed if self.sorting == "none" else torch.rand_like(listed)
        return replace(self.sort, steepness=math.inf)(key, codes, mask)


class PlaceDecoder(nn.Module):
    """Decodes a place from its position and the code that was sorted there."""

    backwards: Tensor

    def __init__(self, code: int, dim: int) -> None:
        super().__init__()
        self.code = nn.Linear(code, dim) if code else None
        self.place = nn.Linear(3, dim)
        self.mix, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.behind = nn.Parameter(torch.zeros(dim))
        self.register_buffer("backwards", torch.tensor(False))

    def forward(self, codes: Tensor, lengths: Tensor, n: int) -> Tensor:
        """Return a vector for each of n places, `[B, n, D]`; the places after the kept codes share one vector.

        Args:
            codes: The codes at the first places, `[B, k, C]`.
            lengths: The lengths of the lists, `[B]`.
            n: The number of places, which is the length of the longest list.
        """
        at = torch.arange(codes.shape[1], device=codes.device, dtype=torch.float32).expand(codes.shape[:2])
        last = (lengths[:, None] - 1).clamp(min=0)
        at = torch.where(self.backwards, (last - at).clamp(min=0), at)
        share = at / last.clamp(min=1)
        place = self.place(torch.stack([share, 1 / (at + 1), at.log1p() / 4], dim=-1))
        vectors = self.norm(gelu(self.mix(gelu(place if self.code is None else place + self.code(codes)))))
        behind = self.behind.expand(len(codes), n - codes.shape[1], -1)
        return torch.cat([vectors, behind], dim=1)


def corrupt(inputs: Tensor, mask: Tensor, drop: float, swap: float, noise: float) -> Tensor:
    """Return inputs `[B, K, W]` with features dropped, swapped with other candidates of the list, or with added noise.

    Draws from torch's global generator, as dropout does.
    """
    k, width = inputs.shape[1:]
    others = (mask.float() + 1e-12).multinomial(k, replacement=True)
    elsewhere = inputs.gather(1, others[..., None].expand(-1, -1, width))
    fate = torch.rand_like(inputs)
    noisy = inputs + noise * torch.randn_like(inputs)
    return torch.where(fate < drop, 0.0, torch.where(fate < drop + swap, elsewhere, noisy)) * mask[..., None]


class Reconstruction(nn.Module):
    """An autoencoder with its unsupervised loss, for pretraining."""

    def __init__(self, network: SetAutoencoder, p: SortingAutoencoderParams) -> None:
        super().__init__()
        self.network, self.corruption = network, (p.drop, p.swap, p.noise)

    def loss(self, batch: ListBatch) -> Tensor:
        """Return the mean squared error of the reconstruction from the corrupted inputs of a batch."""
        inputs = corrupt(batch.inputs, batch.mask, *self.corruption) if self.training else batch.inputs
        return error(self.network.reconstruct(inputs, batch.mask), batch.inputs, batch.mask)


def error(found: Tensor, inputs: Tensor, mask: Tensor) -> Tensor:
    """Return the mean squared error over the real candidates and their features."""
    wrong = (found - inputs).square().mean(-1)
    return (wrong * mask).sum() / mask.sum().clamp(min=1)
