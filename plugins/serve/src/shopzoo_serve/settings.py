"""The settings of a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """What a server allows, and how it scores.

    Attributes:
        api_key: The key that every request but `GET /health` must have; None for a server without one.
        max_body: The most bytes of a request's body.
        max_k: The longest list.
        max_history: The most events of a history, and of a request to `POST /events`.
        batch: The most requests that are scored in one call of the model; 1 turns micro-batching off.
        wait_ms: The longest wait for further requests before a call, in milliseconds.
        backlog: The most requests that wait to be scored; further ones get the status 503.
        threads: The number of threads for explanations, similar items and updates.
        state: The folder of the log of events; None holds them in memory only.
        fsync: Whether events are on the disk before they are acknowledged.
        max_events: The most events that are held.
    """

    api_key: str | None = None
    max_body: int = 2**20
    max_k: int = 100
    max_history: int = 2_000
    batch: int = 64
    wait_ms: float = 2.0
    backlog: int = 1_024
    threads: int = 4
    state: Path | None = None
    fsync: Literal["always", "never"] = "always"
    max_events: int = 1_000_000
