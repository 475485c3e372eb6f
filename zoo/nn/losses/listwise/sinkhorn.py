"""Sinkhorn scaling of a batch of matrices (Sinkhorn and Knopp, 1967), with the gradient as one product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LEAST = 1e-10
"""Rows and columns with a smaller sum are padding and get the factor 0."""


def sinkhorn(matrix: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Return row and column factors, `[B, K]` each, that make the matrices doubly stochastic.

    Columns and rows are divided by their sums in turn, rows last. The factor of an all-zero row or column is 0.

    Args:
        matrix: Nonnegative, `[B, K rows, K columns]`.
        iterations: The number of iterations over columns and rows.
    """
    rows, columns = _Sinkhorn.apply(matrix, iterations)  # type: ignore[no-untyped-call]
    return rows, columns


class _Sinkhorn(torch.autograd.Function):
    """The Sinkhorn iterations with their gradient.

    Each step adds an outer product of two vectors to the gradient of the matrix. The vectors are collected and multiplied
    once at the end; autograd would allocate a matrix per step.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
        """Return the factors of rows and columns."""
        rows, columns = [torch.ones_like(matrix[:, :, 0])], list[Tensor]()
        for _ in range(iterations):
            columns.append(_inverse(_product(matrix.mT, rows[-1])))
            rows.append(_inverse(_product(matrix, columns[-1])))
        ctx.save_for_backward(matrix, torch.stack(rows), torch.stack(columns))
        return rows[-1].clone(), columns[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_rows: Tensor, to_columns: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the matrix."""
        matrix, rows, columns = ctx.saved_tensors
        left, right = list[Tensor](), list[Tensor]()
        for step in reversed(range(len(columns))):
            to_rows = -to_rows * rows[step + 1].square()  # now the gradient of the row sums
            left.append(to_rows)
            right.append(columns[step])
            to_columns = -(to_columns + _product(matrix.mT, to_rows)) * columns[step].square()
            left.append(rows[step])
            right.append(to_columns)
            to_rows, to_columns = _product(matrix, to_columns), torch.zeros_like(to_columns)
        return torch.stack(left, 2) @ torch.stack(right, 1), None


def _product(matrix: Tensor, vector: Tensor) -> Tensor:
    """Return the products of matrices `[B, K, K]` and vectors `[B, K]`."""
    return (matrix @ vector[:, :, None]).squeeze(2)


def _inverse(sums: Tensor) -> Tensor:
    """Return 1 / sum, or 0 for the sum of padding."""
    return (1 / sums).where(sums > LEAST, 0.0)
