"""Cross-validation folds of judged lists: which lists train, validate and test."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from zoo.config.rank_experiment import Folds, ListSplit
from zoo.data.judgments import Judgments
from zoo.data.schema import is_number
from zoo.errors import SplitError


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold: the lists of each part.

    Attributes:
        train: The training lists, `[Q]` bool.
        validate: The validation lists, `[Q]` bool; there may be none.
        test: The test lists, `[Q]` bool.
    """

    train: NDArray[np.bool_]
    validate: NDArray[np.bool_]
    test: NDArray[np.bool_]


def hash_folds(folds: list[Fold]) -> str:
    """Return a hash of the lists in each part of each fold."""
    digest = blake2b(digest_size=8)
    for fold in folds:
        for chosen in (fold.train, fold.validate, fold.test):
            digest.update(np.packbits(chosen).data)
    return digest.hexdigest()


def folds(lists: Judgments, split: ListSplit) -> list[Fold]:
    """Return the folds of a split; each test list is tested in exactly one fold.

    Raises:
        SplitError: A part has no lists.
    """
    if isinstance(split, Folds):
        part = _parts(lists, split)
        n = int(part.max()) + 1
        fewest = 3 if split.validate_ else 2
        if n < fewest:
            raise SplitError(
                f"split.policy 'folds' finds {n} part{'s' if n > 1 else ''} of {len(lists):,} queries, expected {fewest} or "
                "more. Choose another column, or disable validation: validate = false."
            )
        result = []
        for tested in range(n):
            validate = (part == (tested - 1) % n) & split.validate_
            test = part == tested
            result.append(Fold(~test & ~validate, validate, test))
        return result
    assert lists.parts is not None
    values = np.array(lists.parts)
    train, validate, test = (np.isin(values, wanted) for wanted in (split.train, split.validate_, split.test))
    for name, chosen, wanted in (("train", train, split.train), ("test", test, split.test)):
        if not chosen.any():
            raise SplitError(
                f"split.{name}: no query has {' or '.join(map(repr, wanted))} in the column {split.column!r}. The column's values: "
                f"{', '.join(sorted(set(lists.parts)))}."
            )
    return [Fold(train, validate, test)]


def _parts(lists: Judgments, split: Folds) -> NDArray[np.int64]:
    """Return the part number of each query, from 0, `[Q]`: by the sorted values of the column, or at random."""
    if lists.parts is None:
        order = np.random.default_rng(split.seed).permutation(len(lists))
        part = np.zeros(len(lists), np.int64)
        part[order] = np.arange(len(lists)) % split.folds
        return part
    values = sorted(set(lists.parts), key=lambda v: (0, float(v), "") if is_number(v) else (1, 0.0, v))
    number = {value: at for at, value in enumerate(values)}
    return np.array([number[value] for value in lists.parts])
