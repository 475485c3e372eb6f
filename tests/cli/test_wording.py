"""Types, bounds and defaults in words."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import pytest

from zoo.api import Field, Params
from zoo.cli.schema_text import Key, keys


class Inner(Params):
    width: int = 3


class Everything(Params):
    needed: int
    """Has no default."""
    share: float = Field(0.5, ge=0, lt=1)
    size: int = Field(1_000, gt=0, le=1_000_000)
    limit: float = float("inf")
    on: bool = True
    where: Path = Path("a/b")
    loss: Literal["softmax", "bpr"] = "softmax"
    half_life: float | None = None
    auto: int | Literal["auto"] = "auto"
    columns: list[str] = ["title"]
    shares: list[Annotated[float, Field(gt=0)]] = Field([0.1, 0.2], min_length=1, max_length=3)
    days: list[datetime] = []
    range: tuple[int, int] = (1, 2)
    widths: tuple[int, ...] = (64, 64)
    modes: list[Literal["a", "b"]] = ["a"]
    weights: dict[str, float] = {"view": 1.0}
    inner: Inner = Inner()
    table: dict = {}


@pytest.mark.parametrize(("name", "type_", "default"), [
    ("needed", "whole number", "required"),
    ("share", "number (at least 0, under 1)", "0.5"),
    ("size", "whole number (over 0, at most 1,000,000)", "1000"),
    ("limit", "number", "inf"),
    ("on", "true | false", "true"),
    ("where", "path", '"a/b"'),
    ("loss", '"softmax" | "bpr"', '"softmax"'),
    ("half_life", "number", "not set"),
    ("auto", 'whole number or "auto"', '"auto"'),
    ("columns", "list of strings", '["title"]'),
    ("shares", "list of numbers (over 0) (1 or more, 3 or fewer)", "[0.1, 0.2]"),
    ("days", "list of dates", "[]"),
    ("range", "[whole number, whole number]", "[1, 2]"),
    ("widths", "list of whole numbers", "[64, 64]"),
    ("modes", 'list of "a" | "b"', '["a"]'),
    ("weights", "table of numbers", "{view = 1.0}"),
    ("inner", "table", "{width = 3}"),
    ("table", "table", "{}"),
])  # fmt: skip
def test_a_key_is_described(name, type_, default):
    documented = {key.name: key for key in keys(Everything.model_json_schema())}
    assert documented[name] == Key(name, type_, default, "Has no default." if name == "needed" else "")
