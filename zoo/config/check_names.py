"""The names of the checks of a task, in the order of their numbers; `[data] accept` lists some of them."""

from __future__ import annotations

from typing import Literal, get_args

CheckName = Literal[
    "ties",
    "baskets",
    "sessions",
    "repeats",
    "future",
    "order",
    "few-queries",
    "few-validation-queries",
    "seen-targets",
    "no-history",
    "stray-times",
]
CHECK_NAMES: tuple[CheckName, ...] = get_args(CheckName)
