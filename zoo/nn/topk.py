"""Top-K per row with deterministic ties: ordered by score, then by column, the same on every machine."""

from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 64
"""Columns per chunk in the two-step search of wide rows."""
SMALL = 2**15
"""Number of scores below which `torch.topk` alone is faster than the two-step search."""


class TopK(NamedTuple):
    """The best columns of each row, best first.

    Attributes:
        columns: `[B, K]` int64, 0 in empty slots.
        scores: `[B, K]` float32, -inf in empty slots.
        tied: Whether a column outside the list has the same score as the last column in it, `[B]` bool.
    """

    columns: Tensor
    scores: Tensor
    tied: Tensor


def top_k(scores: Tensor, k: int) -> TopK:
    """Return the K best columns of each row.

    Equal scores are ordered by column, lower columns first, within the list and at its end. `torch.topk` guarantees
    neither, so this function requests one more column and repairs only the rows with ties; no full row is sorted.

    Args:
        scores: `[B, I]` float32; -inf is an empty slot. A NaN comes first in its row, so that the caller can detect it.
        k: At least 1; if fewer columns remain, the last slots are empty.
    """
    inside = min(k, scores.shape[1])
    best, columns = _largest(scores, min(k + 1, scores.shape[1]))
    equal = (best[:, 1:] == best[:, :-1]) & (best[:, 1:] > -torch.inf)
    best, columns = best[:, :inside], columns[:, :inside]
    tied = equal[:, inside - 1 :].any(1)
    mend = equal.any(1).nonzero().squeeze(1)
    if len(mend):
        edge = tied.nonzero().squeeze(1)
        columns[edge] = _lowest_at_edge(scores, edge, best[edge], columns[edge])
        columns[mend] = _by_score_and_column(scores, mend, columns[mend])
    columns = columns.masked_fill(best == -torch.inf, 0)
    if inside < k:
        best = torch.nn.functional.pad(best, (0, k - inside), value=-torch.inf)
        columns = torch.nn.functional.pad(columns, (0, k - inside))
    return TopK(columns, best, tied)


def _largest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the result of `scores.topk(k)`, in half the time on wide rows.

    The K chunks with the largest maxima contain the K largest values: for any value outside them there are K maxima that
    are not smaller. So only these chunks and the columns after the last full chunk are searched.
    """
    n_chunks = scores.shape[1] // CHUNK
    if n_chunks < 4 * k or scores.numel() < SMALL:
        best, columns = scores.topk(k, dim=1)
        return best, columns
    whole = n_chunks * CHUNK
    chunks = scores[:, :whole].view(len(scores), n_chunks, CHUNK)
    chosen = chunks.amax(2).topk(k, dim=1).indices
    inner = chunks.gather(1, chosen[:, :, None].expand(-1, -1, CHUNK)).flatten(1)
    best, place = torch.cat([inner, scores[:, whole:]], dim=1).topk(k, dim=1)
    chunk = chosen.gather(1, (place // CHUNK).clamp_(max=k - 1))
    return best, torch.where(place < k * CHUNK, chunk * CHUNK + place % CHUNK, place - k * CHUNK + whole)


def _lowest_at_edge(scores: Tensor, rows: Tensor, best: Tensor, columns: Tensor) -> Tensor:
    """Replace the columns at the end of each list `[R, K]` by the lowest columns with the same score."""
    k = best.shape[1]
    threshold = best[:, -1:]
    lowest = _lowest_equal(scores, rows, threshold, k, min(64 * k, scores.shape[1]))
    above = (best != threshold).sum(1, keepdim=True)
    slot = torch.arange(k, device=scores.device)
    return columns.where(slot < above, lowest.gather(1, (slot - above).clamp_(min=0)))


def _lowest_equal(scores: Tensor, rows: Tensor, threshold: Tensor, k: int, width: int) -> Tensor:
    """Return the K lowest columns of each row whose score equals the threshold, `[R, K]`, then arbitrary columns.

    The first `width` columns are searched first; only rows with fewer than K matches there are searched completely.
    """
    equal = scores[:, :width].index_select(0, rows) == threshold
    descending = torch.arange(width, 0, -1, dtype=torch.int32, device=scores.device)
    lowest = (equal.int() * descending).topk(k, dim=1).indices
    if width < scores.shape[1]:
        again = (equal.sum(1) < k).nonzero().squeeze(1)
        if len(again):
            lowest[again] = _lowest_equal(scores, rows[again], threshold[again], k, scores.shape[1])
    return lowest


def _by_score_and_column(scores: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Sort the columns `[R, K]` of the given rows by descending score, then by ascending column."""
    columns = columns.sort(dim=1).values
    order = scores[rows[:, None], columns].sort(dim=1, descending=True, stable=True).indices
    return columns.gather(1, order)
