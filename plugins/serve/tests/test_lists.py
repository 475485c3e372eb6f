"""Lists over HTTP are those of the artifact; what is wrong with a request is told with the place of the field."""

import json

import pytest
from fastapi.testclient import TestClient
from shopzoo_serve.app import create_app
from shopzoo_serve.service import Service
from shopzoo_serve.settings import Settings


def ask(client, status=200, path="/recommend", **body):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def pairs(items):
    return [(item["item_id"], item["fallback"]) for item in items]


def test_the_list_of_a_user_is_that_of_the_artifact(client, artifact):
    found = ask(client, user_id="c000001", k=5)
    expected = artifact.recommend("c000001", k=5)
    assert pairs(found["items"]) == [(item.item_id, item.fallback) for item in expected]
    assert [item["score"] for item in found["items"]] == pytest.approx([item.score for item in expected])
    assert [item["title"] for item in found["items"]] == [item.title for item in expected]
    assert (found["model"], found["version"], found["notes"]) == ("ease", 1, [])


def test_a_history_has_items_or_events_with_times_and_types(client, artifact):
    expected = [(item.item_id, item.fallback) for item in artifact.recommend(history=["p00001", "p00002"], k=10)]
    assert pairs(ask(client, history=["p00001", "p00002"])["items"]) == expected
    events = [
        {"item_id": "p00002", "time": "2024-05-31T12:00:05Z", "event": "purchase"},
        {"item_id": "p00001", "time": 1_717_156_800_000},
    ]
    found = ask(client, user_id="c000001", history=events)
    assert len(found["items"]) == 10
    assert {"p00001", "p00002"}.isdisjoint(item for item, _ in pairs(found["items"]))
    at = ask(client, history=events, at="2024-05-31T12:00:01Z")
    assert at["notes"] == ["history: 1 events are later than the request and left out"]
    assert "p00002" in [item for item, _ in pairs(ask(client, history=events[1:], k=40)["items"])]


def test_rules_hold(client, artifact):
    category = artifact.catalogue.table["category"][1].as_py()
    best = artifact.recommend("c000001", where={"category": category})[0].item_id
    found = ask(client, user_id="c000001", where={"category": [category]}, exclude=[best, "gone"])
    expected = artifact.recommend("c000001", where={"category": category}, exclude=[best])
    assert pairs(found["items"]) == [(item.item_id, item.fallback) for item in expected]
    assert found["notes"] == ["exclude: unknown items: 'gone'"]


def test_what_is_not_known_is_answered_and_noted(client):
    found = ask(client, user_id="nobody")
    assert [item["fallback"] for item in found["items"]] == [True] * 10
    assert found["notes"] == ["user_id: the artifact does not know 'nobody'"]
    found = ask(client, history=["gone", "p00001"])
    assert found["notes"] == ["history: events of unknown items are left out: 'gone'"]


def test_an_explanation_names_past_items(client, artifact):
    found = ask(client, user_id="c000001", k=3, explain=True)["items"]
    expected = artifact.explain("c000001", k=3, most=3)
    for item, explained in zip(found, expected, strict=True):
        assert [reason["item_id"] for reason in item["because"]] == [reason.item_id for reason in explained.reasons]
        assert [reason["contribution"] for reason in item["because"]] == pytest.approx([reason.contribution for reason in explained.reasons])  # fmt: skip


def test_similar_items_are_those_of_the_artifact(client, artifact):
    found = ask(client, path="/similar", item_id="p00001", k=4, exclude=["p00002"])
    assert [item["item_id"] for item in found["items"]] == [i.item_id for i in artifact.similar("p00001", 4, exclude=["p00002"])]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "user_id", "neither user_id nor history is given. Give a user, or a list of items."),
        ({"user_id": "a", "k": 0}, "k", "Input should be greater than or equal to 1"),
        ({"user_id": "a", "k": True}, "k", "Input should be a valid integer"),
        ({"user_id": "a", "k": 101}, "k", "k is 101, expected at most 100."),
        ({"user": "a"}, "user", "Extra inputs are not permitted"),
        ({"user_id": " "}, "user_id", "expected a text that is not blank"),
        ({"user_id": "\ud800"}, "user_id", "Input should be a valid string, unable to parse raw data as a unicode string"),
        ({"history": "p00001"}, "history", "Input should be a valid list"),
        ({"history": ["p00001", {"item": "p00002"}]}, "history[1].item_id", "Field required"),
        ({"history": ["p00001", None]}, "history[1]", "Input should be a valid dictionary"),
        ({"history": [{"item_id": "p00001", "time": "soon"}]}, "history[0].time", "expected UTC milliseconds, or a date and time such as 2024-05-31T12:00:00Z"),
        ({"history": [{"item_id": "p00001"}, {"item_id": "p00002", "time": 1_717_156_800_000}]}, "history[0].time", "the event has no time, and others have one."),
        ({"history": [{"item_id": "p00001", "event": "veiw"}]}, "history[0].event", "'veiw' is not an event type of the artifact. Did you mean 'view'?"),
        ({"history": ["p00001"] * 2_001}, "history", "the history has 2,001 events, expected at most 2,000: give the latest."),
        ({"user_id": "a", "at": 2**70}, "at", "expected UTC milliseconds"),
        ({"user_id": "a", "where": {"catgory": "x"}}, "where.catgory", "where: the artifact has no item column 'catgory'. Did you mean 'category'?"),
        ({"user_id": "a", "where": {"category": {"is": 1}}}, "where.category", "expected a text, a number, true or false, or a list of these"),
        ({"user_id": "a", "where": {"category": "no such one"}}, "where.category", "where: "),
        ({"user_id": "a", "exclude": "p00001"}, "exclude", "Input should be a valid list"),
        ({"user_id": "a", "explain": 1}, "explain", "Input should be a valid boolean"),
    ],
)  # fmt: skip
def test_an_error_names_the_field(client, body, path, message):
    answer = client.post("/recommend", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    [error] = [error for error in answer.json()["errors"] if error["path"] == path]
    assert error["message"].startswith(message)


def test_similar_names_the_field(client):
    [error] = ask(client, 422, "/similar", item_id="gone")["errors"]
    assert error == {"path": "item_id", "message": "'gone' is not an item of the artifact."}
    [error] = ask(client, 422, "/similar", item_id="p00001", where={"gone": 1})["errors"]
    assert error["message"].startswith("where: the artifact has no item column 'gone'.")


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"{", 422, "no JSON: "),
        (b"[" * 100_000, 400, "There was an error parsing the body"),
        (b'{"k": ' + b"9" * 5_000 + b"}", 400, "There was an error parsing the body"),
        (b"\xff\xfe", 422, "no JSON: "),
        (b"[]", 422, "Input should be a valid dictionary or object to extract fields from"),
        (b"", 422, "Field required"),
    ],
    ids=["no end", "deep", "long number", "no UTF-8", "list", "empty"],
)
def test_a_body_that_is_no_json_is_told(client, content, status, message):
    answer = client.post("/recommend", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["message"][: len(message)]) == (status, message)


def test_a_body_over_the_limit_is_refused_with_and_without_its_length(client):
    large = b'{"user_id": "' + b"a" * 2**20 + b'"}'
    for content in (large, iter([large[: 2**19], large[2**19 :]])):
        answer = client.post("/recommend", content=content)
        assert answer.status_code == 413
        assert answer.json()["errors"] == [{"path": "body", "message": "the body has more than 1,048,576 bytes."}]


def test_paths_and_methods_are_refused_as_json(client):
    assert client.get("/nowhere").json() == {"errors": [{"path": "", "message": "Not Found"}]}
    assert client.get("/recommend").status_code == 405


def test_without_the_key_only_health_answers(artifact):
    with TestClient(create_app(Service(artifact, Settings(api_key="secret")))) as client:
        paths = [("post", "/recommend"), ("post", "/similar"), ("get", "/metrics"), ("get", "/docs"), ("get", "/openapi.json"), ("get", "/nowhere")]  # fmt: skip
        for method, path in paths:
            for headers in ({}, {"X-API-Key": "secre"}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "sécret"}):
                encoded = {name: value.encode("latin-1") for name, value in headers.items()}
                answer = client.request(method, path, headers=encoded)
                assert answer.status_code == 401
                assert answer.json()["errors"][0]["message"].startswith("the API key is missing or wrong.")
        assert client.get("/health").json()["status"] == "ok"
        for headers in ({"X-API-Key": "secret"}, {"Authorization": "Bearer secret"}):
            assert client.post("/recommend", json={"user_id": "c000001"}, headers=headers).status_code == 200


def test_health_and_metrics_tell_what_happened(client):
    assert client.get("/health").json() == {"status": "ok", "problems": [], "model": "ease", "version": 1, "items": 40, "users": 60, "events": 0}  # fmt: skip
    ask(client, user_id="c000001")
    ask(client, user_id="nobody")
    ask(client, 422, k=0)
    client.get("/a/path/that/nobody/has")
    text = client.get("/metrics").text
    for line in (
        'zoo_requests_total{path="/recommend",status="200"} 2.0',
        'zoo_requests_total{path="/recommend",status="422"} 1.0',
        'zoo_requests_total{path="other",status="404"} 1.0',
        "zoo_slots_total 20.0",
        "zoo_fallback_slots_total 10.0",
        "zoo_unknown_users_total 1.0",
        "zoo_batch_requests_count 2.0",
        "zoo_version 1.0",
    ):
        assert f"\n{line}\n" in text, line


def test_the_page_of_the_api_describes_every_path(client):
    found = client.get("/openapi.json").json()
    assert set(found["paths"]) >= {"/recommend", "/similar", "/health", "/metrics"}
    schema = found["components"]["schemas"]["RecommendBody"]["properties"]
    assert all(field.get("description") for field in schema.values())
    assert client.get("/docs").status_code == 200
