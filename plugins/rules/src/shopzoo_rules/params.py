"""Parameters of the business rules; importing them imports no torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from zoo.api import Field, Params


class AvailableParams(Params):
    """The catalogue's columns that say when an item can be had; a null never rules an item out.

    Where none is named, those called `in_stock`, `available_from` and `available_until` are read, as far as there are any.
    """

    in_stock: str | None = None
    """A column of booleans or of counts: false and 0 remove the item."""
    available_from: str | None = None
    """A column with the first moment of sale: UTC milliseconds, timestamps or dates."""
    available_until: str | None = None
    """A column with the moment from which it is no longer on sale."""


class CategoryParams(Params):
    """Which values of a column are wanted."""

    column: str = "category"
    """A column of the catalogue; a list column gives an item several values."""
    allow: list[str] | None = Field(None, min_length=1)
    """Keep only items with one of these values."""
    deny: list[str] | None = Field(None, min_length=1)
    """Remove items with one of these values."""
    like_last: int | None = Field(None, ge=1)
    """Keep only items that share a value with one of the query's last events, this many; all items where those have none."""

    @model_validator(mode="after")
    def _some_rule(self) -> "CategoryParams":
        """Refuse a rule that rules nothing, or contradicts itself."""
        if (self.allow, self.deny, self.like_last) == (None, None, None):
            raise ValueError('give `allow`, `deny` or `like_last`, e.g. deny = ["Tobacco"]')
        both = sorted(set(self.allow or ()) & set(self.deny or ()))
        if both:
            raise ValueError(f"{', '.join(map(repr, both))} cannot be both in `allow` and in `deny`")
        return self


class PriceBandParams(Params):
    """Which prices are wanted: a band for all, a band a user, or both."""

    column: str = "price"
    """A numeric column of the catalogue."""
    min: float | None = Field(None, allow_inf_nan=False)
    """The lowest price kept."""
    max: float | None = Field(None, allow_inf_nan=False)
    """The highest price kept."""
    quantiles: tuple[float, float] | None = None
    """Keep prices between these quantiles of the prices in the query's history, e.g. [0.1, 0.9]; all where it has no price."""
    slack: float = Field(1.0, ge=1, allow_inf_nan=False)
    """Widens the history's band: its lower end is divided and its upper end multiplied by this."""
    unpriced: Literal["remove", "keep"] = "remove"
    """What happens to items without a price."""

    @model_validator(mode="after")
    def _some_band(self) -> "PriceBandParams":
        """Refuse a rule that rules nothing, and bands without room."""
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
    """A text file with an id a line, read when the experiment is: its ids join `ids`, so that the results name them."""
    missing: Literal["error", "ignore"] = "error"
    """What to do with ids that the catalogue lacks."""

    @model_validator(mode="before")
    @classmethod
    def _with_file(cls, values: Any, info: ValidationInfo) -> Any:
        """Put the ids of the file with the others."""
        if not isinstance(values, dict) or not isinstance(values.get("file"), str | Path):
            return values
        ids = values.get("ids", [])
        if not isinstance(ids, list):
            return values
        file = (Path((info.context or {}).get("base", "")) / Path(values["file"]).expanduser()).absolute()
        if not file.is_file():
            what = (
                " is a folder, expected a text file with an id a line" if file.is_dir() else ": there is no such file"
            )
            raise ValueError(f"{file}{what}. Paths are relative to the experiment file")
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
        except UnicodeDecodeError:
            raise ValueError(f"{file} is no text in UTF-8, expected an id a line: write it again as UTF-8") from None
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        return {**values, "file": None, "ids": [*ids, *filter(None, lines)]}

    @field_validator("ids", mode="before")
    @classmethod
    def _as_text(cls, ids: Any) -> Any:
        """Take whole numbers as ids too."""
        if not isinstance(ids, list):
            return ids
        return [str(i) if isinstance(i, int) and not isinstance(i, bool) else i for i in ids]

    @model_validator(mode="after")
    def _some_id(self) -> "ListParams":
        """Refuse an empty list."""
        if not self.ids:
            raise ValueError('no ids: give `ids = ["a", "b"]`, or a `file` with an id a line')
        return self
