"""`zoo.json`: the manifest of an artifact, against which all other files of the folder are checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, FiniteFloat, model_validator

from zoo.config.experiment import Fallback
from zoo.data.interactions import Clock, Interactions, Ties
from zoo.errors import ArtifactError, ConfigError
from zoo.params import StrictTable, validated

NAME = "zoo.json"
FORMAT = 1
"""The format that this version writes and reads."""


class TensorEntry(StrictTable):
    """A tensor of a file."""

    dtype: str
    """Name of the torch dtype: `float32`."""
    shape: list[int]
    """Size of each dimension."""


class FileEntry(StrictTable):
    """A file of the folder."""

    size: int = Field(ge=0)
    """Size in bytes."""
    blake2b: str
    """BLAKE2b hash of 16 bytes, in hexadecimal."""
    tensors: dict[str, TensorEntry] = Field({})
    """The tensors of a safetensors file, by name."""


class ModelEntry(StrictTable):
    """The components of the pipeline; each has a `name` (`distribution/component`) and all its parameters."""

    label: str
    """Name of the model in the experiment."""
    predictor: dict[str, Any]
    """Scores every item."""
    featurizers: list[dict[str, Any]] = Field([])
    """Compute the item features."""
    filters: list[dict[str, Any]] = Field([])
    """Applied before the top K is selected."""
    rankers: list[dict[str, Any]] = Field([])
    """Applied in order to the candidates."""
    candidate_features: dict[str, Any] = Field({})
    """The features that its rankers get for each candidate."""
    train: dict[str, Any] = Field({})
    """Training settings of its networks."""
    ranker_train: dict[str, Any] = Field({})
    """Training settings of its neural rankers."""


class LogEntry(StrictTable):
    """Facts about the event log that the histories do not contain."""

    clock: Clock
    """What the event times mean."""
    ties: Ties = "file"
    """How the events of a history at one moment are ordered; older artifacts keep the given order."""
    event_names: list[str] = Field(min_length=1)
    """The event types; an event's code is an index into this list."""
    event_weights: list[FiniteFloat]
    """The weight of each event type."""
    default_event: str
    """The type of history events without one: the type with the largest weight, on ties the most frequent."""
    end: int = Field(ge=-1, lt=2**63 - 1)
    """The time of the last event."""

    @classmethod
    def of(cls, log: Interactions) -> LogEntry:
        """Return the entry of an event log."""
        counts = np.bincount(log.events, minlength=len(log.event_names))
        heaviest = max(range(len(counts)), key=lambda code: (log.event_weights[code], counts[code]))
        return cls(
            clock=log.clock,
            ties=log.ties,
            event_names=list(log.event_names),
            event_weights=log.event_weights.tolist(),
            default_event=log.event_names[heaviest],
            end=int(log.times.max(initial=-1)),
        )

    @model_validator(mode="after")
    def _check_events(self) -> LogEntry:
        """Check that the event types are distinct, have a weight each, and include the default one."""
        if len(set(self.event_names)) < len(self.event_names):
            raise ValueError(f"event_names: expected distinct names, found {self.event_names}")
        if len(self.event_weights) != len(self.event_names):
            raise ValueError(
                f"event_weights: expected one for each of {self.event_names}, found {len(self.event_weights)}"
            )
        if self.default_event not in self.event_names:
            raise ValueError(f"default_event: expected one of {self.event_names}, found {self.default_event!r}")
        return self


class ArtifactManifest(StrictTable):
    """The content of `zoo.json`, except its checksum."""

    format: int
    """The format of the folder."""
    model: ModelEntry
    """The pipeline."""
    versions: dict[str, str]
    """Versions of the core (`shopzoo`) and of the plugins of the components."""
    libraries: dict[str, str]
    """Versions of the libraries used for fitting; for information only."""
    exclude_seen: bool | list[str]
    """Whether to exclude items of the history, or the event types that count as seen."""
    candidates: int = Field(ge=1)
    """Number of candidates for the first ranker."""
    fallback: Fallback = "none"
    """What fills the slots that the model leaves empty; older artifacts have no fallback."""
    log: LogEntry
    """The event log."""
    vocabulary: str
    """Hash of the item ids in the order of their numbers."""
    data: dict[str, Any]
    """The task: fingerprint of the data, split, and targets."""
    files: dict[str, FileEntry]
    """All other files of the folder, by name."""

    @property
    def distributions(self) -> set[str]:
        """The distributions of the components: the plugins that the artifact needs."""
        model = self.model
        parts = [model.predictor, *model.featurizers, *model.filters, *model.rankers]
        names = [str(part.get("name", "")) for part in parts]
        qualified = all("/" in name for name in names)
        return {name.partition("/")[0] for name in names} if qualified else set(self.versions)

    @property
    def checksum(self) -> str:
        """Hash of the content, hence of all files: artifacts with the same checksum recommend the same."""
        return _checksum(self.model_dump(mode="json"))

    def text(self) -> str:
        """Return the text of the file."""
        return add_checksum(self.model_dump(mode="json"))

    @classmethod
    def of(cls, text: bytes, path: str) -> ArtifactManifest:
        """Parse the text of the file.

        Args:
            text: The bytes of the file.
            path: Name of the file in messages.

        Raises:
            ArtifactError: The file is not a manifest, has another format, or was changed.
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
                f"{path} has no format number: it is not an artifact manifest. Give the folder that `zoo fit` wrote."
            )
        if found != FORMAT:
            newer = "install a newer shopzoo (pip install -U shopzoo)" if found > FORMAT else "save it again"
            raise ArtifactError(f"{path} has format {found}, this version reads {FORMAT}: {newer}.")
        checksum = raw.pop("checksum", None)
        if checksum != _checksum(raw):
            raise ArtifactError(f"{path} does not match its own checksum: it was changed. Save the artifact again.")
        try:
            return validated(cls, raw, "")
        except ConfigError as error:
            raise ArtifactError(f"{path} is not a valid manifest: {error}") from None


def file_digest(path: Path) -> str:
    """Return the hash of a file.

    Raises:
        ArtifactError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return str(hashlib.file_digest(file, _hash).hexdigest())
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from error


def add_checksum(plain: dict[str, Any]) -> str:
    """Return the text of a manifest with its checksum."""
    return json.dumps({**plain, "checksum": _checksum(plain)}, indent=1)


def _checksum(plain: dict[str, Any]) -> str:
    """Return the hash of a manifest's content, independent of white space and key order."""
    digest = _hash()
    digest.update(json.dumps(plain, sort_keys=True).encode())
    return str(digest.hexdigest())


def _hash() -> Any:
    return hashlib.blake2b(digest_size=16)
