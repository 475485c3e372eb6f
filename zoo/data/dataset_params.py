"""Parameters of the core's dataset components. This module imports no torch, so that checking a config needs none."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from zoo.data.database_uri import resolve_uri
from zoo.params import Params, is_unset


def resolve_paths(value: Any, info: ValidationInfo) -> Any:
    """Turn a single path into a list, and resolve relative paths against the experiment file's folder."""
    base = (info.context or {}).get("base", Path())
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list):
        return paths
    return [str(base / Path(path).expanduser()) if isinstance(path, str) else path for path in paths]


class FilesParams(Params):
    """Files on this machine: parquet, csv, tsv, json, jsonl (these four also .gz, .zst), arrow.

    Text is UTF-8. An empty field is null, and so is an id that is only white space; `NULL` and `NA` are ordinary ids.
    """

    interactions: list[str] = Field(min_length=1)
    """Path of a file or folder, pattern (`events/*.parquet`), or a list of them: the events. Relative to the experiment file."""
    items: list[str] = Field([])
    """Path, pattern, or a list of them: the items. None by default."""
    users: list[str] = Field([], exclude_if=is_unset)
    """Path, pattern, or a list of them: the users. None by default."""
    delimiter: str | None = Field(None, min_length=1)
    """The field delimiter of a csv file; a comma by default, a tab for .tsv."""

    _paths = field_validator("interactions", "items", "users", mode="before")(resolve_paths)


class JudgedFilesParams(Params):
    """Judged lists in separate files for each part of the split, in the formats of `files`."""

    train: list[str] = Field(min_length=1)
    """Path, pattern, or a list of them: the training lists. Relative to the experiment file."""
    validate_: list[str] = Field([], alias="validate")
    """The validation lists. None by default."""
    test: list[str] = Field(min_length=1)
    """The test lists."""
    items: list[str] = Field([])
    """The documents, if they are in a separate file. None by default."""
    delimiter: str | None = Field(None, min_length=1)
    """The field delimiter of a csv file; a comma by default, a tab for .tsv."""

    _paths = field_validator("train", "validate_", "test", "items", mode="before")(resolve_paths)


class HubParams(Params):
    """A dataset of the Hugging Face Hub."""

    dataset: str
    """The dataset's name on the Hub (`owner/name`), or a local folder with the same layout."""
    config: str | None = None
    """The config that holds the events; the dataset's only one by default."""
    split: str = "train"
    """The split that holds the events."""
    items: str | None = None
    """The config that holds the items. None by default: no item table."""
    items_split: str | None = None
    """The split that holds the items; the same name as `split` by default."""
    users: str | None = Field(None, exclude_if=is_unset)
    """The config that holds the users. None by default: no user table."""
    users_split: str | None = Field(None, exclude_if=is_unset)
    """The split that holds the users; the same name as `split` by default."""
    revision: str | None = None
    """A commit or tag that pins the version of the data."""
    cache: str | None = None
    """The folder for downloads; the Hugging Face cache (`HF_HOME`) by default."""


class SqlParams(Params):
    """The results of queries of a database: DuckDB, SQLite or PostgreSQL, which are opened read-only."""

    uri: str
    """`duckdb:///shop.db`, `sqlite:///shop.db` (four slashes before an absolute path; others are relative to the experiment file) or
    `postgresql://user:${PASSWORD}@host/database`. A password is a variable of the environment; it is never stored.
    """
    query: str = Field(min_length=1)
    """The SELECT statement that gives the events."""
    items_query: str | None = Field(None, min_length=1)
    """The SELECT statement that gives the items. None by default: no item table."""
    users_query: str | None = Field(None, min_length=1, exclude_if=is_unset)
    """The SELECT statement that gives the users. None by default: no user table."""

    @field_validator("uri", mode="before")
    @classmethod
    def _uri(cls, value: Any, info: ValidationInfo) -> str:
        return resolve_uri(value, (info.context or {}).get("base", Path()))


class SyntheticShopParams(Params):
    """Parameters of the built-in shop."""

    customers: int = Field(2_000, ge=1, le=10_000_000)
    """Customers; each has at least one event."""
    items: int = Field(1_000, ge=22, le=1_000_000)
    """Products, including those that are released during the period."""
    events: int = Field(100_000, ge=1, le=1_000_000_000)
    """The approximate number of views and purchases. Each customer has at least one, so many customers mean more events."""
    days: int = Field(364, ge=52, le=3_650)
    """Length of the log in days, from 2024-01-01 UTC."""
    categories: int = Field(22, ge=1, le=22)
    """Departments."""
    brands: int = Field(60, ge=1, le=288)
    """Brands."""
    new_items: float = Field(0.4, ge=0, le=1)
    """Share of the products that are released during the period; about a tenth of them in its last tenth."""
    taste: float = Field(1.0, ge=0, le=3)
    """How strongly taste affects a customer's choices. With 0 only popularity, trends and complements matter."""
    seed: int = Field(0, ge=0)
    """The random seed of the shop: the same parameters give the same tables."""
