"""The metrics of a server, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("zoo_requests", "Requests by path and status.", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "zoo_request_seconds", "Seconds of a request by path.", ["path"], buckets=SECONDS, registry=registry
        )
        self.batch = Histogram(
            "zoo_batch_requests",
            "Requests that were scored in one call of the model.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.slots = Counter("zoo_slots", "Items of the lists of `POST /recommend`.", registry=registry)
        self.fallback = Counter("zoo_fallback_slots", "Those of them that the fallback gave.", registry=registry)
        self.unknown_users = Counter(
            "zoo_unknown_users", "Requests of users that the artifact does not know.", registry=registry
        )
        self.history_events = Counter("zoo_history_events", "Events of the histories in requests.", registry=registry)
        self.unknown_items = Counter(
            "zoo_unknown_items", "Items of histories that the artifact does not know.", registry=registry
        )
        self.events = Counter("zoo_events", "Events that `POST /events` accepted.", registry=registry)
        self.held_events = Gauge("zoo_held_events", "Events that the server holds.", registry=registry)
        self.degraded = Gauge("zoo_degraded", "1 if `GET /health` names a problem.", registry=registry)
        self.version = Gauge("zoo_version", "The artifacts and updates since the server started.", registry=registry)
