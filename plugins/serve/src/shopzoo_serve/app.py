"""The application: the paths of a server, their documentation, and its start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shopzoo_serve.bodies import ErrorAnswer, EventsAnswer, EventsBody, ListAnswer, RecommendBody, SimilarBody
from shopzoo_serve.errors import add_handlers, json_response
from shopzoo_serve.guard import Guard
from shopzoo_serve.service import Service

ERRORS = {status: {"model": ErrorAnswer} for status in (401, 413, 422, 503)}


def create_app(service: Service) -> FastAPI:
    """Return the application of a service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(title="ShopZoo", summary="Recommendations of an artifact", version="1", lifespan=lifespan)
    add_handlers(app)

    @app.post("/recommend", response_model=ListAnswer, responses=ERRORS, summary="Recommend items to a user")
    async def recommend(body: RecommendBody) -> Response:
        return json_response(await service.recommend(body))

    @app.post(
        "/similar", response_model=ListAnswer, responses=ERRORS, summary="Return items that are similar to an item"
    )
    async def similar(body: SimilarBody) -> Response:
        return json_response(await service.similar(body))

    @app.post("/events", response_model=EventsAnswer, responses=ERRORS, summary="Tell what users have done")
    async def events(body: EventsBody) -> Response:
        return json_response(await service.add_events(body))

    @app.post(
        "/reload",
        responses={**ERRORS, 409: {"model": ErrorAnswer}},
        summary="Load the artifact again and swap it in; a broken one is refused, and the old one goes on",
    )
    async def reload() -> Response:
        return json_response(await service.reload())

    @app.get("/health", summary="Return the state of the server; it needs no key")
    async def health() -> Response:
        return json_response(service.health())

    @app.get("/metrics", summary="Return the metrics for Prometheus")
    async def metrics() -> Response:
        return Response(generate_latest(service.measure().registry), media_type=CONTENT_TYPE_LATEST)

    paths = frozenset(app.openapi()["paths"])
    app.add_middleware(Guard, settings=service.settings, metrics=service.metrics, paths=paths)
    return app
