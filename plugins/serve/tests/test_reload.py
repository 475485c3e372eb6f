"""A new artifact is swapped in without a failed request, and a broken one is refused while the old one goes on."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi", reason="the server needs FastAPI")

from fastapi.testclient import TestClient
from shopzoo_serve.app import create_app
from shopzoo_serve.service import Service
from shopzoo_serve.settings import Settings


@pytest.fixture
def copy(folder, tmp_path):
    """Return a copy of the artifact, which a test may replace."""
    return shutil.copytree(folder, tmp_path / "copy")


def ask(client):
    found = client.post("/recommend", json={"user_id": "c000001", "k": 5}).json()
    return found["version"], tuple(item["item_id"] for item in found["items"])


def test_every_answer_is_that_of_one_artifact(copy, artifact):
    old = tuple(item.item_id for item in artifact.recommend("c000001", k=5))
    changed = artifact.with_rules(exclude=[old[0]])
    new = tuple(item.item_id for item in changed.recommend("c000001", k=5))
    with TestClient(create_app(Service(artifact, Settings(), copy))) as client:
        client.post("/events", json={"events": [{"user_id": "a", "item_id": "p00001"}]})
        changed.save(copy)
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(ask, client) for _ in range(10)]
            swapped = pool.submit(client.post, "/reload")
            answers += [pool.submit(ask, client) for _ in range(30)]
        assert swapped.result().json()["version"] == 2
        assert {answer.result() for answer in answers} <= {(1, old), (2, new)}
        assert ask(client) == (2, new)
        assert client.get("/health").json()["events"] == 1
        assert "\nzoo_version 2.0\n" in client.get("/metrics").text


def test_a_broken_artifact_is_refused_and_the_old_one_goes_on(copy, artifact):
    with TestClient(create_app(Service(artifact, Settings(), copy))) as client:
        before = ask(client)
        (copy / "predictor.safetensors").write_bytes(b"damaged")
        answer = client.post("/reload")
        assert answer.status_code == 409
        assert "predictor.safetensors" in answer.json()["errors"][0]["message"]
        assert ask(client) == before
        shutil.rmtree(copy)
        assert client.post("/reload").status_code == 409
        assert ask(client) == before
        assert client.get("/health").json()["status"] == "ok"


def test_a_server_of_an_artifact_in_memory_has_nothing_to_reload(client):
    answer = client.post("/reload")
    assert (answer.status_code, "cannot reload one" in answer.json()["errors"][0]["message"]) == (409, True)
