"""What a check is and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from zoo.config.check_names import CheckName
from zoo.data.checks.checked_task import CheckedTask


@dataclass(frozen=True)
class Evidence:
    """What a check found in a task.

    Attributes:
        found: One or two sentences with counts and an example.
        remedy: The lines of TOML that change the question, and what they do.
        effect: What this can do to the ranking of the models; the effect of the check by default.
    """

    found: str
    remedy: str
    effect: str = ""


@dataclass(frozen=True)
class Check:
    """A check of a task.

    Attributes:
        number: Its number, which never changes.
        name: Its name, which `[data] accept` takes.
        looks_for: What it looks for, in a noun phrase.
        effect: What a finding can do to the ranking of the models, in one sentence.
        find: Returns what it found in a task, or None.
    """

    number: int
    name: CheckName
    looks_for: str
    effect: str
    find: Callable[[CheckedTask], Evidence | None]


@dataclass(frozen=True)
class Finding:
    """A finding about a task.

    Attributes:
        number: The number of the check.
        name: The name of the check.
        found: What was found, with counts and an example.
        effect: What it can do to the ranking of the models.
        remedy: The lines of TOML that change the question.
        accepted: Whether `[data] accept` names the check.
    """

    number: int
    name: str
    found: str
    effect: str
    remedy: str
    accepted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON, for manifests."""
        return asdict(self)


def open_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are not accepted."""
    return [finding for finding in findings if not finding.accepted]


def count_of(part: int, whole: int) -> str:
    """Return a count with its whole and its share: `415 of 943 (44.0 %)`."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)"
