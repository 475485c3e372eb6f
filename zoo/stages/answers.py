"""Validate what stages return, in one place: harmless forms are cast, and every other answer is refused with its origin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ScoreError
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.item_features import ItemFeatures

FLOATS = (torch.float64, torch.float16, torch.bfloat16)
"""Types of scores and features that are cast to float32."""


@contextmanager
def answer_of(origin: str) -> Iterator[None]:
    """Prefix the message of a `ScoreError` with the stage, the component and the plugin that it is about.

    Args:
        origin: For example `predictor 'als' of shopzoo-mf 0.1.0`, as `Chosen.origin` gives it.
    """
    try:
        yield
    except ScoreError as error:
        if str(error).startswith(f"{origin}: "):
            raise
        raise ScoreError(f"{origin}: {error}") from error


def check_scores(answer: Any, rows: int, columns: int, meaning: str, method: str = "`score`") -> Tensor:
    """Return the scores of a predictor or a ranker as float32, `[rows, columns]`.

    Args:
        answer: What `score` returned.
        rows: The expected number of rows.
        columns: The expected number of columns.
        meaning: What rows and columns are, for messages.
        method: The name of the method, for messages.

    Raises:
        ScoreError: It is no tensor of numbers, or its shape or device is wrong.
    """
    scores = _as_tensor(answer, method, "a float32 tensor")
    _check_shape(scores, method, ((rows, columns),), meaning)
    return _as_float(scores, method)


def cannot_rank(scores: Tensor) -> Tensor:
    """Return which scores cannot be ranked: NaN and positive infinity, `[...]` bool. A score of -inf is an empty slot."""
    return ~(scores < torch.inf)


def refuse_unrankable(scores: Tensor, method: str) -> None:
    """Refuse scores that cannot be ranked.

    Raises:
        ScoreError: There is one.
    """
    if (wrong := cannot_rank(scores)).any():
        found = f"{int(wrong.sum())} NaN or infinite numbers among {scores.numel()} scores"
        _refuse(f"{method} returned {found}, expected finite numbers")


def check_finite(answer: Any, shape: tuple[int, ...], method: str) -> Tensor:
    """Return an answer of finite numbers as float32, of the given shape.

    Raises:
        ScoreError: It is no tensor of numbers, its shape is wrong, or a number is not finite.
    """
    numbers = _as_float(_as_tensor(answer, method, "a float32 tensor"), method)
    if tuple(numbers.shape) != shape:
        _refuse(f"{method} returned the shape {tuple(numbers.shape)}, expected {shape}")
    if not numbers.isfinite().all():
        _refuse(f"{method} returned NaN or infinite numbers, expected finite ones")
    return numbers


def check_ranked(best: Candidates, queries: Queries) -> None:
    """Refuse lists whose scores cannot be ranked. NaN and infinity are the largest values to `top_k`, so the first place shows them.

    Raises:
        ScoreError: A score is NaN or infinite.
    """
    wrong = cannot_rank(best.scores[:, 0])
    if wrong.any():
        at = int(wrong.nonzero()[0])
        value = "NaN" if best.scores[at].isnan().any() else "an infinite number"
        _refuse(
            f"`score` returned {value} for the query of user {int(queries.users[at])} (number {at} of its block, "
            f"{int(queries.lengths[at])} events of history), expected finite numbers: the order by others would be meaningless"
        )


def check_mask(answer: Any, rows: int, columns: int) -> Tensor:
    """Return the mask of a filter, `[rows, columns]` or `[1, columns]` bool.

    Raises:
        ScoreError: It is no tensor of booleans, or its shape or device is wrong.
    """
    kept = _as_tensor(answer, "`keep`", "a bool tensor")
    _check_shape(kept, "`keep`", ((rows, columns), (1, columns)), "queries, items and padding")
    if kept.dtype != torch.bool:
        _refuse(f"`keep` returned {kept.dtype}, expected torch.bool: True for an item that may be recommended")
    return kept


def check_features(answer: Any, rows: int, method: str = "`transform`") -> ItemFeatures:
    """Return the features of a featurizer as float32 on the CPU, `[rows, D]`.

    Args:
        answer: What `transform` or `fit_transform` returned.
        rows: The expected number of rows: the items and padding.
        method: The name of the method, for messages.

    Raises:
        ScoreError: It is no `ItemFeatures`, a shape, type or layout is wrong, or a value is NaN or infinite.
    """
    if not isinstance(answer, ItemFeatures):
        _refuse(f"{method} returned {type(answer).__name__}, expected zoo.api.ItemFeatures(values, names)")
    names = tuple(answer.names)
    values = _as_tensor(answer.values, f"the values of {method}", "a dense or sparse CSR tensor", sparse=True)
    _check_shape(values, f"the values of {method}", ((rows, len(names)),), "items and padding, names")
    values = _as_float(values, f"the values of {method}").detach().cpu()
    features = ItemFeatures(values, names)
    numbers = values.values() if features.is_sparse else values
    if not numbers.sum().isfinite() and not (finite := numbers.isfinite()).all():  # the sum alone is faster
        row, column, value = _first_of(values, ~finite)
        _refuse(
            f"{method} returned {value} for item number {row} in the column {names[column]!r}, expected finite numbers: fill "
            "missing values, and look for a division by zero"
        )
    if rows and features.rows(torch.zeros(1, dtype=torch.int64)).any():
        _refuse(f"{method} returned features for row 0, expected zeros: row 0 is padding")
    return features


def check_lists(answer: Any, rows: int, k: int, excluded: Exclusions, width: int) -> Candidates:
    """Return the lists of a predictor that overrides `recommend`, on the CPU.

    Args:
        answer: What `recommend` returned.
        rows: The number of queries.
        k: The number of slots.
        excluded: The items that must not be recommended.
        width: The number of items, with padding.

    Raises:
        ScoreError: It is no `Candidates`, a shape, type or item number is wrong, a score is NaN, an item is repeated, or an
            item must not be recommended.
    """
    if not isinstance(answer, Candidates):
        _refuse(
            f"`recommend` returned {type(answer).__name__}, expected zoo.api.Candidates: items [B, K], scores [B, K] and "
            "tied [B], as `Candidates.best(scores, k)` makes them"
        )
    items = _as_tensor(answer.items, "the items of `recommend`", "an int64 tensor").cpu()
    scores = _as_tensor(answer.scores, "the scores of `recommend`", "a float32 tensor").cpu()
    tied = _as_tensor(answer.tied, "`tied` of `recommend`", "a bool tensor").cpu()
    for name, values in (("the items", items), ("the scores", scores)):
        _check_shape(values, f"{name} of `recommend`", ((rows, k),), "queries, slots of a list")
    _check_shape(tied, "`tied` of `recommend`", ((rows,),), "queries")
    if items.dtype not in (torch.int64, torch.int32, torch.int16):
        _refuse(f"the items of `recommend` are {items.dtype}, expected torch.int64")
    items, scores = items.long(), _as_float(scores, "the scores of `recommend`")
    if items.numel() and (int(items.min()) < 0 or int(items.max()) >= width):
        wrong = items[(items < 0) | (items >= width)][0]
        _refuse(
            f"`recommend` put item number {int(wrong)} in a list, expected 1 to {width - 1}, or 0 for an empty slot"
        )
    if (wrong := cannot_rank(scores)).any():
        _refuse(f"`recommend` returned a NaN or infinite score for query {int(wrong.any(1).nonzero()[0])} of its block")
    ordered = items.sort(dim=1).values
    again = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)
    if again.any():
        _refuse(f"`recommend` put item number {int(ordered[:, 1:][again][0])} in a list twice, expected each item once")
    check_served(items, excluded, "`recommend`")
    return Candidates(items, scores.masked_fill(items == 0, -torch.inf), tied.bool())


def check_served(items: Tensor, excluded: Exclusions, method: str) -> None:
    """Hold lists to the rules: no item that is seen, filtered out, not eligible or unknown to the model.

    Raises:
        ScoreError: A list has such an item.
    """
    wrong = excluded.violated(items)
    if wrong.any():
        row, slot = wrong.nonzero()[0].tolist()
        _refuse(
            f"{method} put item number {int(items[row, slot])} in a list, which is excluded there (seen, filtered, not "
            "eligible or unknown): apply `exclusions` before taking the top K"
        )


def check_values(answer: Any, rows: int) -> Tensor:
    """Return the values of a metric as float64, `[rows]`; NaN marks a query without a value.

    Raises:
        ScoreError: It is no tensor of numbers, or its shape is wrong.
    """
    values = _as_tensor(answer, "`values`", "a tensor with a number for each query")
    _check_shape(values, "`values`", ((rows,),), "queries")
    if values.is_complex():
        _refuse(f"`values` returned {values.dtype}, expected torch.float64")
    return values.double()


def _as_tensor(answer: Any, what: str, expected: str, *, sparse: bool = False) -> Tensor:
    """Return an array or a tensor as a tensor with values; sparse layouts become CSR where they are allowed."""
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "fiub":
        answer = torch.from_numpy(np.array(answer))  # a copy, because the core writes into scores
    if not isinstance(answer, Tensor):
        _refuse(f"{what} returned {type(answer).__name__}, expected {expected}")
    if answer.device.type == "meta":
        _refuse(f"{what} returned a tensor on the device 'meta', which has no values, expected {expected}")
    if sparse and answer.layout == torch.sparse_coo:
        answer = answer.to_sparse_csr()
    if answer.layout != torch.strided and not (sparse and answer.layout == torch.sparse_csr):
        _refuse(f"{what} returned a tensor in the layout {answer.layout}, expected {expected}")
    tensor: Tensor = answer
    return tensor


def _check_shape(values: Tensor, what: str, shapes: tuple[tuple[int, ...], ...], meaning: str) -> None:
    """Refuse a tensor of none of the given shapes."""
    if tuple(values.shape) not in shapes:
        expected = " or ".join(map(str, dict.fromkeys(shapes)))
        _refuse(f"{what} returned the shape {tuple(values.shape)}, expected {expected} ({meaning})")


def _as_float(values: Tensor, what: str) -> Tensor:
    """Return numbers as float32; integers and other types are refused."""
    if values.dtype not in (torch.float32, *FLOATS):
        _refuse(f"{what} returned {values.dtype}, expected torch.float32")
    return values.float()


def _first_of(values: Tensor, chosen: Tensor) -> tuple[int, int, str]:
    """Return row, column and value of the first of the chosen numbers of a dense or a CSR matrix."""
    at = chosen.nonzero()[0].tolist()
    if values.layout == torch.strided:
        row, column = at
        number = float(values[row, column])
    else:
        row = int(torch.searchsorted(values.crow_indices(), torch.tensor(at[0]), right=True)) - 1
        column, number = int(values.col_indices()[at[0]]), float(values.values()[at[0]])
    return row, column, "NaN" if np.isnan(number) else f"{number:+}"


def _refuse(found: str) -> NoReturn:
    """Raise a `ScoreError`."""
    raise ScoreError(found)
