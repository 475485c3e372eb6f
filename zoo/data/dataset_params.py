"""Parameters of the core's dataset components; free of torch, so that configs can be checked without it."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from zoo.params import Params


def from_the_experiment_file(value: Any, info: ValidationInfo) -> Any:
    """Take one path as a list of one, and start relative paths from the experiment file's folder."""
    base = (info.context or {}).get("base", Path())
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list):
        return paths
    return [str(base / Path(path).expanduser()) if isinstance(path, str) else path for path in paths]


class FilesParams(Params):
    """Files on this machine: parquet, csv, tsv (also .gz), json, jsonl (also .gz), arrow.

    Text is UTF-8. A field that is empty is null, and so is an id of white space only; `NULL` and `NA` are ids like any other.
    """

    interactions: list[str] = Field(min_length=1)
    """Path, pattern (`events/*.parquet`), or a list of them: the events. Relative to the experiment file."""
    items: list[str] = Field([])
    """Path, pattern, or a list of them: the items. None by default."""
    delimiter: str | None = Field(None, min_length=1)
    """What separates the fields of a csv file; a comma by default, a tabulator in .tsv."""

    _paths = field_validator("interactions", "items", mode="before")(from_the_experiment_file)


class JudgedFilesParams(Params):
    """Judged lists in files that come split; in the formats of `files`."""

    train: list[str] = Field(min_length=1)
    """Path, pattern, or a list of them: the lists to learn from. Relative to the experiment file."""
    validate_: list[str] = Field([], alias="validate")
    """Those to choose by. None by default."""
    test: list[str] = Field(min_length=1)
    """Those that test."""
    items: list[str] = Field([])
    """The documents, where they have a file of their own. None by default."""
    delimiter: str | None = Field(None, min_length=1)
    """What separates the fields of a csv file; a comma by default, a tabulator in .tsv."""

    _paths = field_validator("train", "validate_", "test", "items", mode="before")(from_the_experiment_file)


class HubParams(Params):
    """A dataset of the Hugging Face Hub."""

    dataset: str
    """Its name there (`owner/name`), or a folder of the same form."""
    config: str | None = None
    """The config that holds the events; the dataset's only one by default."""
    split: str = "train"
    """The split that holds the events."""
    items: str | None = None
    """The config that holds the items. None by default: nothing is known of the items."""
    items_split: str | None = None
    """The split that holds the items; named as that of the events by default."""
    revision: str | None = None
    """A commit or tag, so that the data stay what they are."""
    cache: str | None = None
    """The folder for downloads; the one of Hugging Face's own tools by default (`HF_HOME`)."""


class SyntheticShopParams(Params):
    """The parameters of the built-in shop."""

    customers: int = Field(2_000, ge=1, le=10_000_000)
    """Customers; each has at least one event."""
    items: int = Field(1_000, ge=22, le=1_000_000)
    """Products, those that are released during the period included."""
    events: int = Field(100_000, ge=1)
    """Views and purchases, about: the customers decide. More customers than events make more events."""
    days: int = Field(364, ge=52, le=3_650)
    """Length of the log in days, from 2024-01-01 UTC."""
    categories: int = Field(22, ge=1, le=22)
    """Departments."""
    brands: int = Field(60, ge=1, le=288)
    """Brands."""
    new_items: float = Field(0.4, ge=0, le=1)
    """Share of the products that are released during the period; about a tenth of them in its last tenth."""
    taste: float = Field(1.0, ge=0, le=3)
    """How strongly customers' tastes steer what they take; 0 leaves popularity, trends and what goes together."""
    seed: int = Field(0, ge=0)
    """Draws the shop: the same parameters give the same tables."""
