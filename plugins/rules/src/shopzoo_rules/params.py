"""Parameters of the business rules; importing them imports no torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from zoo.api import Field, Params


class AvailableParams(Params):
    """The catalogue columns with the availability of items; a null value never removes an item.

    If none is named, the columns `in_stock`, `available_from` and `available_until` are read, if present.
    """

    in_stock: str | None = None
    """A column of booleans or counts; false and 0 remove the item."""
    available_from: str | None = None
    """A column with the start of the sale: UTC milliseconds, timestamps or dates."""
    available_until: str | None = None
    """A column with the end of the sale (exclusive), in the same formats."""


class CategoryParams(Params):
    """The values of a column to allow or deny."""

    column: str = "category"
    """A column of the catalogue; a list column gives an item several values."""
    allow: list[str] | None = Field(None, min_length=1)
    """Keep only items with one of these values."""
    deny: list[str] | None = Field(None, min_length=1)
    """Remove items with one of these values."""
    like_last: int | None = Field(None, ge=1, le=100_000)
    """Keep only items that share a value with one of this many last events of the query; all items if those have no value."""

    @model_validator(mode="after")
    def _some_rule(self) -> "CategoryParams":
        """Reject a rule without effect, and one that contradicts itself."""
        if (self.allow, self.deny, self.like_last) == (None, None, None):
            raise ValueError('give `allow`, `deny` or `like_last`, e.g. deny = ["Tobacco"]')
        both = sorted(set(self.allow or ()) & set(self.deny or ()))
        if both:
            raise ValueError(f"{', '.join(map(repr, both))} cannot be both in `allow` and in `deny`")
        return self


class PriceBandParams(Params):
    """The price band: fixed, derived from the user's history, or both."""

    column: str = "price"
    """A numeric column of the catalogue."""
    min: float | None = Field(None, allow_inf_nan=False)
    """Lowest price to keep."""
    max: float | None = Field(None, allow_inf_nan=False)
    """Highest price to keep."""
    quantiles: tuple[float, float] | None = None
    """Keep prices between these quantiles of the prices in the query's history, e.g. [0.1, 0.9]; all if the history has no price."""
    slack: float = Field(1.0, ge=1, allow_inf_nan=False)
    """Widens the history's band: divides its lower and multiplies its upper bound."""
    unpriced: Literal["remove", "keep"] = "remove"
    """Whether to remove or keep items without a price."""

    @model_validator(mode="after")
    def _some_band(self) -> "PriceBandParams":
        """Reject a rule without effect, and an empty band."""
        if (self.min, self.max, self.quantiles) == (None, None, None):
            raise ValueError("give `min`, `max` or `quantiles`, e.g. quantiles = [0.1, 0.9]")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min = {self.min} is above max = {self.max}: no price fits")
        if self.quantiles is not None and not 0 <= self.quantiles[0] <= self.quantiles[1] <= 1:
            raise ValueError(f"quantiles must ascend within 0 and 1, found {list(self.quantiles)}")
        return self


class ListParams(Params):
    """A list of items by their ids."""

    ids: list[str] = Field([])
    """Item ids."""
    file: Path | None = None
    """A text file with one id per line, read together with the experiment; its ids are added to `ids` and recorded in the results."""
    missing: Literal["error", "ignore"] = "error"
    """How to handle ids that are not in the catalogue."""

    @model_validator(mode="before")
    @classmethod
    def _with_file(cls, values: Any, info: ValidationInfo) -> Any:
        """Add the ids of the file to the others."""
        if not isinstance(values, dict) or not isinstance(values.get("file"), str | Path):
            return values
        ids = values.get("ids", [])
        if not isinstance(ids, list):
            return values
        file = (Path((info.context or {}).get("base", "")) / Path(values["file"]).expanduser()).absolute()
        if not file.is_file():
            what = (
                " is a folder, expected a text file with one id per line"
                if file.is_dir()
                else ": there is no such file"
            )
            raise ValueError(f"{file}{what}. Paths are relative to the experiment file")
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not UTF-8 text, expected one id per line: save it as UTF-8") from None
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        return {**values, "file": None, "ids": [*ids, *filter(None, lines)]}

    @field_validator("ids", mode="before")
    @classmethod
    def _as_text(cls, ids: Any) -> Any:
        """Convert integer ids to text."""
        if not isinstance(ids, list):
            return ids
        return [str(i) if isinstance(i, int) and not isinstance(i, bool) else i for i in ids]

    @model_validator(mode="after")
    def _some_id(self) -> "ListParams":
        """Reject an empty list."""
        if not self.ids:
            raise ValueError('no ids: give `ids = ["a", "b"]`, or a `file` with one id per line')
        return self
