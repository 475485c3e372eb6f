"""Artifacts of a small shop, and a client of the application in this process."""

import pytest

pytest.importorskip("fastapi", reason="the server needs FastAPI")

from fastapi.testclient import TestClient
from shopzoo_serve.app import create_app
from shopzoo_serve.service import Service
from shopzoo_serve.settings import Settings

import zoo

SHOP = {"customers": 60, "items": 40, "events": 1500, "categories": 4, "brands": 6}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return the folder of an artifact."""
    path = tmp_path_factory.mktemp("artifacts") / "ease"
    zoo.fit("ease", zoo.read_log(zoo.load("synthetic-shop", **SHOP)), out=path)
    return path


@pytest.fixture(scope="session")
def artifact(folder):
    """Return an artifact."""
    return zoo.load_artifact(folder)


@pytest.fixture
def client(artifact):
    """Return a client of a server with default settings."""
    with TestClient(create_app(Service(artifact, Settings()))) as client:
        yield client
