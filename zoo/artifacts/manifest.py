"""`zoo.json`: what an artifact is, said in full, so that everything else in its folder can be checked against it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import Field

from zoo.data.interactions import Clock
from zoo.errors import ArtifactError, ConfigError
from zoo.params import Table, validated

NAME = "zoo.json"
FORMAT = 1
"""The format that this core writes, and the newest that it reads."""


class TensorEntry(Table):
    """A tensor of a file."""

    dtype: str
    """The name of its type, as torch has it: `float32`."""
    shape: list[int]
    """The length of each axis."""


class FileEntry(Table):
    """A file of the folder."""

    size: int = Field(ge=0)
    """Its bytes."""
    blake2b: str
    """Their hash, of 16 bytes, in hexadecimal."""
    tensors: dict[str, TensorEntry] = Field({})
    """Of a safetensors file: what is in it."""


class ModelEntry(Table):
    """The components of the pipeline; each has a `name`, `distribution/component`, and all its parameters."""

    label: str
    """Its name in the experiment."""
    predictor: dict[str, Any]
    """Retrieves."""
    featurizers: list[dict[str, Any]] = Field([])
    """Made the item features."""
    filters: list[dict[str, Any]] = Field([])
    """Act before the top K is taken."""
    rankers: list[dict[str, Any]] = Field([])
    """Act in turn on the candidates."""
    candidate_features: dict[str, Any] = Field({})
    """What its rankers are told of each candidate."""
    train: dict[str, Any] = Field({})
    """How its networks were trained."""
    ranker_train: dict[str, Any] = Field({})
    """How the networks among its rankers were trained."""


class LogEntry(Table):
    """What is to be known of the events, beside those of the histories."""

    clock: Clock
    """What their times are."""
    event_names: list[str] = Field(min_length=1)
    """The event types; an event's code is a place in this list."""
    event_weights: list[float]
    """What an event of each type counts."""
    default_event: str
    """The type of an event of a history that comes without one: that which counts most, of equals the most frequent."""
    end: int
    """The time of the last event."""


class Manifest(Table):
    """The content of `zoo.json`, but for its own checksum."""

    format: int
    """The format of the folder."""
    model: ModelEntry
    """The pipeline."""
    versions: dict[str, str]
    """The version of the core (`shopzoo`) and of each plugin that the pipeline takes a component from."""
    libraries: dict[str, str]
    """What it was fitted with; for information."""
    exclude_seen: bool | list[str]
    """Whether items of the history are left out, or the event types that make an item seen."""
    candidates: int = Field(ge=1)
    """How many items the first ranker gets."""
    log: LogEntry
    """The events."""
    vocabulary: str
    """The hash of the item ids in the order of their numbers."""
    data: dict[str, Any]
    """The task: its data's fingerprint, its split, and what counted as a target."""
    files: dict[str, FileEntry]
    """Every other file of the folder, by name."""

    def text(self) -> str:
        """Return the file's text."""
        return sealed(self.model_dump(mode="json"))

    @classmethod
    def of(cls, text: bytes, path: str) -> Manifest:
        """Read the file's text.

        Args:
            text: Its bytes.
            path: What to call it in messages.

        Raises:
            ArtifactError: It is no manifest, of a newer format, or was altered.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(
                f"{path} is not valid JSON ({error}): the artifact is damaged. Save it again."
            ) from None
        found: Any = raw.get("format") if isinstance(raw, dict) else None
        if type(found) is not int:
            raise ArtifactError(
                f"{path} has no format number: it is no artifact's. Give the folder that `zoo fit` wrote."
            )
        if found != FORMAT:
            newer = "install a newer shopzoo (pip install -U shopzoo)" if found > FORMAT else "save it again"
            raise ArtifactError(f"{path} has format {found}, this version reads {FORMAT}: {newer}.")
        checksum = raw.pop("checksum", None)
        if checksum != _checksum(raw):
            raise ArtifactError(f"{path} does not have the checksum it names: it was altered. Save the artifact again.")
        try:
            return validated(cls, raw, "")
        except ConfigError as error:
            raise ArtifactError(f"{path} is not of its format: {error}") from None


def file_digest(path: Path) -> str:
    """Return the hash of a file's bytes.

    Raises:
        ArtifactError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return str(hashlib.file_digest(file, _hash).hexdigest())
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from error


def sealed(plain: dict[str, Any]) -> str:
    """Return the text of a manifest's content, with its checksum."""
    return json.dumps({**plain, "checksum": _checksum(plain)}, indent=1)


def _checksum(plain: dict[str, Any]) -> str:
    """Return the hash of a manifest's content, whatever its white space and the order of its keys."""
    digest = _hash()
    digest.update(json.dumps(plain, sort_keys=True).encode())
    return str(digest.hexdigest())


def _hash() -> Any:
    """Return the hash function of an artifact."""
    return hashlib.blake2b(digest_size=16)
