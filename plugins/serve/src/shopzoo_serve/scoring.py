"""Score the requests of a batch: those with the same artifact, length and rules in one call of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo import Artifact, Recommended
from zoo.api import Request, RequestEvent, answer_requests, parse_request


@dataclass(frozen=True, eq=False)
class Served:
    """An artifact that answers requests.

    Attributes:
        artifact: The artifact.
        version: Counts the artifacts and updates since the server started.
    """

    artifact: Artifact
    version: int

    @property
    def label(self) -> str:
        """Return the name of the model."""
        return self.artifact.pipeline.model.label

    def warm(self) -> Served:
        """Make what the first request would have to wait for, and return this object."""
        artifact = self.artifact
        _ = artifact.item_numbers, artifact.user_numbers, artifact.names.lists
        answer_requests(artifact, [parse_request(artifact)], 10)
        return self


@dataclass(frozen=True, eq=False)
class Job:
    """A request for a list, with the artifact that is to answer it.

    Attributes:
        served: The artifact at the time of the request.
        user_id: The user.
        history: The history in the request.
        live: The events that the server has received for the user.
        k: Length of the list.
        exclude: Items that the list must not contain.
        where: Values that an item must have.
        at: The time of the request.
    """

    served: Served
    user_id: str | None
    history: Sequence[RequestEvent] | None
    live: Sequence[RequestEvent]
    k: int
    exclude: Sequence[str]
    where: Mapping[str, Any]
    at: int | None

    @property
    def group(self) -> tuple[Any, ...]:
        """Return what requests share that one call of the model can answer."""
        return self.served.version, self.k, tuple(sorted(set(self.exclude))), repr(sorted(self.where.items()))


class Listed(NamedTuple):
    """The answer to a job.

    Attributes:
        request: The events that were scored.
        items: The list.
    """

    request: Request
    items: list[Recommended]


def score(jobs: Sequence[Job]) -> list[Listed | Exception]:
    """Return the list of each job, or what is wrong with it."""
    found: list[Listed | Exception | None] = [None] * len(jobs)
    groups: dict[tuple[Any, ...], list[tuple[int, Request]]] = {}
    for at, job in enumerate(jobs):
        try:
            request = parse_request(job.served.artifact, job.user_id, history=job.history, live=job.live, now=job.at)
        except Exception as error:  # an error of one request is not that of the others
            found[at] = error
        else:
            groups.setdefault(job.group, []).append((at, request))
    for group in groups.values():
        for (at, _), answer in zip(
            group, _score_group(jobs[group[0][0]], [request for _, request in group]), strict=True
        ):
            found[at] = answer
    return [answer if answer is not None else RuntimeError("not scored") for answer in found]


def _score_group(job: Job, requests: list[Request]) -> list[Listed | Exception]:
    """Return the lists of requests that share artifact, length and rules; if the call fails, of each alone."""
    try:
        lists = answer_requests(job.served.artifact, requests, job.k, exclude=job.exclude, where=job.where)
    except Exception as error:
        if len(requests) == 1:
            return [error]
        return [answer for request in requests for answer in _score_group(job, [request])]
    return [Listed(request, items) for request, items in zip(requests, lists, strict=True)]
