"""The commands of `zoo`: the names of the core's own, and what a plugin declares to add one; torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CommandSpec:
    """A subcommand of `zoo`.

    Attributes:
        name: What follows `zoo` on the command line.
        target: `"package.module:command"`, a `click.Command`, imported when the command runs.
        summary: One sentence, which `zoo --help` prints.
    """

    name: str
    target: str
    summary: str

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed.
        """
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"command name {self.name!r}: use lower-case letters and digits, words joined by hyphens")
        if not re.fullmatch(r"[\w.]+:\w+", self.target):
            raise ValueError(
                f"command {self.name!r}: target {self.target!r} is not of the form 'package.module:command'"
            )
        if not self.summary.strip():
            raise ValueError(f"command {self.name!r}: the summary is empty, expected a sentence for `zoo --help`")


COMMANDS: Mapping[str, str] = dict.fromkeys(
    (
        "demo",
        "list",
        "show",
        "bench",
        "report",
        "compare",
        "reproduce",
        "score",
        "verify",
        "fit",
        "index",
        "recommend",
        "explain",
        "config",
        "data",
        "cache",
        "plugin",
        "doctor",
    ),
    "A command of the core; `zoo --help` describes it.",
)
"""The core's commands by name. A plugin adds one with the hook `zoo_commands`."""
