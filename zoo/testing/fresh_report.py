"""The report of a fresh process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from zoo.registry.registry import Registry


@dataclass(frozen=True, eq=False)
class FreshProcessReport:
    """The report of a fresh process.

    Attributes:
        heavy: The heavy packages that loading the plugin imported.
        before: The outputs of each component before it was saved, by `stage/name`.
        after: The outputs of each component in the fresh process, by `stage/name`.
        errors: Errors while saving or in the fresh process, by `stage/name`.
        failure: The reason why the process itself failed; empty if it did not.
        import_seconds: The time of loading the plugin, without the time for which the process waited for a processor.
    """

    heavy: list[str]
    before: dict[str, Tensor]
    after: dict[str, Tensor]
    errors: dict[str, str]
    failure: str = ""
    import_seconds: float = 0.0


class Reporter(Protocol):
    """A fresh process, as the checks use it."""

    @property
    def report(self) -> FreshProcessReport:
        """Return the report of the process."""

    @property
    def installed(self) -> Registry:
        """Return the registry of all installed plugins."""
