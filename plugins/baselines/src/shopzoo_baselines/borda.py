"""Rank fusion by counting: Borda points over several rankings of one list."""

from fnmatch import fnmatchcase

import torch
from torch import Tensor

from shopzoo_baselines.params import BordaParams
from zoo.api import CandidateLists, ConfigError, Ranker


class Borda(Ranker[BordaParams]):
    """Sums over the rankings, for each item, a point per item ranked below it and half a point per tie.

    This is Borda-fuse of Aslam and Montague (2001). If an item is missing from a ranking (NaN or -inf), it gets no points from
    it and ranks below all items that the ranking contains.
    """

    def score(self, lists: CandidateLists) -> Tensor:
        """Return the points of each candidate, `[B, K]`."""
        columns = {"score": lists.scores, **dict(zip(lists.columns, lists.features.unbind(-1), strict=True))}
        filled = lists.scores[lists.mask]
        if (filled != filled[:1]).any():  # the scores of the preceding ranker; the feature `score` is the predictor's
            columns["score"] = lists.scores
        chosen = signs(tuple(columns), self.params.columns)
        points = torch.zeros_like(lists.scores)
        for name, sign in chosen.items():
            points += borda_points(sign * columns[name], lists.mask)
        return points


def signs(names: tuple[str, ...], patterns: list[str] | None) -> dict[str, int]:
    """Return the columns that match the patterns, with 1 if higher values are better and -1 if lower values are.

    Raises:
        ConfigError: A pattern matches no column.
    """
    if patterns is None:
        return {name: 1 for name in names if name != "rank"}
    chosen: dict[str, int] = {}
    for pattern in patterns:
        sign, name = (-1, pattern[1:]) if pattern.startswith("-") else (1, pattern)
        matches = [n for n in names if fnmatchcase(n, name)]
        if not matches:
            raise ConfigError(f"borda: no ranking feature matches {name!r}. The lists have: {', '.join(names)}.")
        chosen.update(dict.fromkeys(matches, sign))
    return chosen


def borda_points(values: Tensor, mask: Tensor) -> Tensor:
    """Return the number of items of its list that rank below each item, with ties counted half, `[B, K]`.

    Args:
        values: Higher is better, `[B, K]`; NaN and -inf are missing values.
        mask: Marks the slots with an item, `[B, K]`.
    """
    values = values.masked_fill(~mask, -torch.inf).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    ascending = values.sort(dim=1).values
    below = torch.searchsorted(ascending, values)
    equal = torch.searchsorted(ascending, values, right=True) - below
    empty = (~mask).sum(1, keepdim=True)  # padded slots sort first and do not count
    return ((below - empty) + (equal - 1) / 2).masked_fill(values == -torch.inf, 0.0)
