"""What a server does for each kind of request, without HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from shopzoo_serve.batching import Batcher
from shopzoo_serve.bodies import EventsBody, RecommendBody, Rules, SimilarBody
from shopzoo_serve.live_events import LiveEvent, LiveEvents
from shopzoo_serve.metrics import Metrics
from shopzoo_serve.scoring import Job, Listed, Served, score
from shopzoo_serve.settings import Settings
from zoo import Artifact, Recommended, load_artifact
from zoo.api import ConfigError, FieldError, explain_request

T = TypeVar("T")
REASONS = 3
"""The most reasons of an item."""


class Service:
    """Answers requests with an artifact.

    Attributes:
        served: The artifact that answers now.
        metrics: The metrics.
        settings: The settings.
    """

    def __init__(
        self, artifact: Artifact, settings: Settings, folder: Path | None = None, plugins: Sequence[Path] = ()
    ) -> None:
        self.settings, self.metrics, self.folder, self.plugins = settings, Metrics(), folder, tuple(plugins)
        self._change = asyncio.Lock()
        self.served = Served(artifact, 1).warm()
        self.metrics.version.set(1)
        self._threads = ThreadPoolExecutor(settings.threads)
        self.live = LiveEvents(settings.state, fsync=settings.fsync, most=settings.max_events)
        self._log: Batcher[list[LiveEvent], bool] = Batcher(
            self.live.append, size=256, wait=0.0, backlog=settings.backlog
        )
        self._lists: Batcher[Job, Listed] = Batcher(
            score,
            size=settings.batch,
            wait=settings.wait_ms / 1000,
            backlog=settings.backlog,
            observe=self.metrics.batch.observe,
        )

    async def start(self) -> None:
        """Start the threads."""
        self._lists.start()
        self._log.start()

    async def stop(self) -> None:
        """End the threads."""
        await self._lists.stop()
        await self._log.stop()
        self._threads.shutdown()
        self.live.close()

    async def recommend(self, body: RecommendBody) -> dict[str, Any]:
        """Return the list of a user or a history.

        Raises:
            FieldError: A field cannot be used.
        """
        served = self.served
        self._check_length(body)
        if body.user_id is None and body.history is None:
            raise FieldError("neither user_id nor history is given. Give a user, or a list of items.", ("user_id",))
        history = None if body.history is None else [event.parsed for event in body.history]
        if history is not None and len(history) > self.settings.max_history:
            raise FieldError(
                f"the history has {len(history):,} events, expected at most {self.settings.max_history:,}: give the latest.",
                ("history",),
            )
        live = self.live.of(body.user_id) if body.user_id is not None and history is None else ()
        job = Job(served, body.user_id, history, live, body.k, body.exclude, body.where, body.at)
        listed = await self._lists.do(job)
        self._count(job, listed)
        because = await self._in_thread(lambda: _reasons(served, listed)) if body.explain else {}
        items = [_item(item, because.get(item.item_id, []) if body.explain else None) for item in listed.items]
        return self._answer(served, items, [*self._notes_of_history(job, listed), *self._notes_of_rules(served, body)])

    async def similar(self, body: SimilarBody) -> dict[str, Any]:
        """Return the items that are most similar to an item.

        Raises:
            FieldError: The item is unknown, or a rule cannot be used.
        """
        served = self.served
        self._check_length(body)
        if body.item_id not in served.artifact.item_numbers:
            raise FieldError(f"{body.item_id!r} is not an item of the artifact.", ("item_id",))
        exclude = [item for item in body.exclude if item in served.artifact.item_numbers]

        def find() -> list[Recommended]:
            return list(served.artifact.similar(body.item_id, body.k, exclude=exclude, where=body.where, now=body.at))

        found = await self._in_thread(find)
        return self._answer(served, list(map(_item, found)), self._notes_of_rules(served, body))

    async def add_events(self, body: EventsBody) -> dict[str, Any]:
        """Log and hold events; they count in every list that is asked for from then on.

        Raises:
            FieldError: There are too many, or the artifact has no such event type.
        """
        artifact, now = self.served.artifact, int(time.time() * 1000)
        if len(body.events) > self.settings.max_history:
            raise FieldError(
                f"there are {len(body.events):,} events, expected at most {self.settings.max_history:,}: send several requests.",
                ("events",),
            )
        for at, sent in enumerate(body.events):
            if sent.event is not None and sent.event not in artifact.log.event_names:
                raise FieldError(
                    f"{sent.event!r} is not an event type of the artifact. Its types: {', '.join(artifact.log.event_names)}.",
                    ("events", at, "event"),
                )
        events = [LiveEvent(e.user_id, e.item_id, now if e.time is None else e.time, e.event) for e in body.events]
        stored = await self._log.do(events)
        self.metrics.events.inc(len(events))
        unknown = dict.fromkeys(e.item_id for e in events if e.item_id not in artifact.item_numbers)
        more = ", ..." if len(unknown) > 3 else ""
        named = ", ".join(map(repr, [*unknown][:3]))
        notes = [f"events: the artifact does not know these items yet: {named}{more}"] if unknown else []
        return {"accepted": len(events), "stored": stored, "notes": notes}

    async def reload(self) -> dict[str, Any]:
        """Load the artifact of the folder again, and swap it in; requests go on, each with one of the two.

        Raises:
            ZooError: It cannot be loaded; the old one goes on.
        """
        folder = self.folder
        if folder is None:
            raise ConfigError("this server was not started with the folder of an artifact, so it cannot reload one.")
        async with self._change:
            version = self.served.version + 1

            def load() -> Served:
                return Served(load_artifact(folder, plugins=self.plugins), version).warm()

            self.served = await self._in_thread(load)
            self.metrics.version.set(version)
        return self.health()

    def health(self) -> dict[str, Any]:
        """Return the state of the server."""
        artifact, problems = self.served.artifact, [self.live.problem] if self.live.problem else []
        return {
            "status": "degraded" if problems else "ok",
            "problems": problems,
            "model": self.served.label,
            "version": self.served.version,
            "items": len(artifact.item_numbers),
            "users": len(artifact.user_numbers),
            "events": len(self.live),
        }

    def measure(self) -> Metrics:
        """Return the metrics with the values of this moment."""
        self.metrics.held_events.set(len(self.live))
        self.metrics.degraded.set(bool(self.live.problem))
        return self.metrics

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Return what some work gives, done in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _check_length(self, body: Rules) -> None:
        """Refuse a list that is too long."""
        if body.k > self.settings.max_k:
            raise FieldError(f"k is {body.k:,}, expected at most {self.settings.max_k:,}.", ("k",))

    def _answer(self, served: Served, items: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
        """Return the body of an answer with a list."""
        return {"items": items, "model": served.label, "version": served.version, "notes": notes}

    def _notes_of_history(self, job: Job, listed: Listed) -> list[str]:
        """Return what of a user and a history was not used."""
        notes = []
        if job.user_id is not None and not listed.request.user:
            notes.append(f"user_id: the artifact does not know {job.user_id!r}")
        if unknown := listed.request.unknown_items:
            more = ", ..." if len(unknown) > 3 else ""
            notes.append(f"history: events of unknown items are left out: {', '.join(map(repr, unknown[:3]))}{more}")
        if listed.request.later:
            notes.append(f"history: {listed.request.later:,} events are later than the request and left out")
        return notes

    def _notes_of_rules(self, served: Served, body: Rules) -> list[str]:
        """Return which rules had no effect."""
        unknown = [item for item in body.exclude if item not in served.artifact.item_numbers]
        more = ", ..." if len(unknown) > 3 else ""
        return [f"exclude: unknown items: {', '.join(map(repr, unknown[:3]))}{more}"] if unknown else []

    def _count(self, job: Job, listed: Listed) -> None:
        """Count what drift shows in."""
        metrics = self.metrics
        metrics.slots.inc(len(listed.items))
        metrics.fallback.inc(sum(item.fallback for item in listed.items))
        metrics.unknown_users.inc(job.user_id is not None and not listed.request.user)
        metrics.history_events.inc(len(job.history or ()))
        metrics.unknown_items.inc(len(listed.request.unknown_items))


def _item(item: Recommended, because: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return an item of a list as JSON."""
    found = {"item_id": item.item_id, "title": item.title, "score": item.score, "fallback": item.fallback}
    return found if because is None else {**found, "because": because}


def _reasons(served: Served, listed: Listed) -> dict[str, list[dict[str, Any]]]:
    """Return the past items that carry the score of each item of a list."""
    found = explain_request(served.artifact, listed.request, [item.item_id for item in listed.items], REASONS)
    return {
        item.item_id: [
            {"item_id": reason.item_id, "title": reason.title, "contribution": reason.contribution}
            for reason in item.reasons
        ]
        for item in found
    }
