"""The sigmoids of soft sorting networks, which map the difference of two scores to the share that stays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Sigmoid = Literal["logistic", "cauchy", "reciprocal", "optimal"]


def logistic(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return 1 / (1 + e^-z) and its slope (Petersen et al., ICML 2021). Its tails are too thin for monotonic sorting."""
    value = z.sigmoid()
    return value, value * (1 - value)


def cauchy(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return arctan(z) / pi + 1/2 and its slope."""
    return z.atan().mul_(1 / math.pi).add_(0.5), z.square().add_(1).mul_(math.pi).reciprocal_()


def reciprocal(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return z / (4 + 2 |z|) + 1/2 and its slope, scaled as the logistic: a slope of 1/4 at zero."""
    far = z.abs().mul_(0.5).add_(1).reciprocal_()
    return (1 - 0.5 * far).where(z > 0, 0.5 * far), far.square().mul_(0.25)


def optimal(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the error-optimal monotonic sigmoid and its slope: z + 1/2 up to |z| = 1/4, then 1 - 1 / (16 z)."""
    far = z.abs().clamp_(min=0.25)
    tail = far.reciprocal().mul_(1 / 16)
    value = (1 - tail).where(z > 0, tail)
    near = z.abs() <= 0.25
    return (z + 0.5).where(near, value), torch.where(near, 1.0, tail / far)


SIGMOIDS: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "logistic": logistic,
    "cauchy": cauchy,
    "reciprocal": reciprocal,
    "optimal": optimal,
}
"""By name. All but the logistic keep sorting monotonic (Petersen et al., ICLR 2022); scaled as in the authors' library."""


def keep_share(difference: Tensor, sigmoid: str, steepness: float) -> tuple[Tensor, Tensor]:
    """Return the share of each pair that stays in its slot, and its derivative by the difference `first - second`.

    With infinite steepness, all of the pair stays if the first is at least as large, and nothing otherwise.
    """
    if math.isinf(steepness):
        return (difference >= 0).to(difference.dtype), torch.zeros_like(difference)
    value, slope = SIGMOIDS[sigmoid](difference * steepness)
    return value, slope.mul_(steepness)
