"""Events count in the next list, are read back after a restart, stay within their bounds, and survive a full disk in memory."""

import resource

import pytest

pytest.importorskip("fastapi", reason="the server needs FastAPI")

from fastapi.testclient import TestClient
from shopzoo_serve import live_events
from shopzoo_serve.app import create_app
from shopzoo_serve.live_events import LiveEvent, LiveEvents
from shopzoo_serve.service import Service
from shopzoo_serve.settings import Settings

from zoo.api import ConfigError


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens the log of a folder, closed before it is opened again."""
    logs = []

    def open_log(**options):
        if logs:
            logs.pop().close()
        logs.append(LiveEvents(tmp_path / "state", **options))
        return logs[-1]

    yield open_log
    logs.pop().close()


def events(user, *items):
    return [LiveEvent(user, item, 1_700_000_000_000 + at, "view") for at, item in enumerate(items)]


def items_of(log, user):
    return [event.item_id for event in log.of(user)]


def test_an_event_counts_in_the_next_list(client, artifact):
    def ask(user):
        return [item["item_id"] for item in client.post("/recommend", json={"user_id": user, "k": 5}).json()["items"]]

    for user in ("c000001", "new"):
        best = ask(user)[0]
        sent = [{"user_id": user, "item_id": best}, {"user_id": user, "item_id": "gone", "event": "view"}]
        answer = client.post("/events", json={"events": sent})
        assert answer.json() == {"accepted": 2, "stored": False, "notes": ["events: the artifact does not know these items yet: 'gone'"]}  # fmt: skip
        assert best not in ask(user)
    assert ask("new") == [item.item_id for item in artifact.recommend(history=[best], k=5)]
    assert client.get("/health").json()["events"] == 4
    assert "\nzoo_held_events 4.0\n" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("event", "path", "message"),
    [
        ({"user_id": "a"}, "events[1].item_id", "Field required"),
        ({"item_id": "a"}, "events[1].user_id", "Field required"),
        ({"user_id": "a", "item_id": "b", "event": "veiw"}, "events[1].event", "'veiw' is not an event type of the artifact. Its types: "),
        ({"user_id": "a", "item_id": "b", "time": "soon"}, "events[1].time", "expected UTC milliseconds"),
    ],
)  # fmt: skip
def test_a_wrong_event_is_told_and_none_is_taken(client, event, path, message):
    answer = client.post("/events", json={"events": [{"user_id": "a", "item_id": "p00001"}, event]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert answer.json()["errors"][0]["message"].startswith(message)
    assert client.get("/health").json()["events"] == 0


def test_a_restart_reads_the_log_back(opened):
    log = opened()
    assert log.append([events("a", "x", "y"), events("b", "x")]) == [True, True]
    log.append([events("a", "z")])
    again = opened(fsync="never")
    assert (items_of(again, "a"), items_of(again, "b"), items_of(again, "c"), len(again)) == (
        ["x", "y", "z"],
        ["x"],
        [],
        4,
    )
    assert again.of("a")[1].time == 1_700_000_000_001


def test_a_line_without_an_end_is_removed_and_a_damaged_one_is_skipped(opened, tmp_path):
    opened().append([events("a", "x")])
    file = tmp_path / "state" / "events.jsonl"
    whole = file.read_bytes()
    file.write_bytes(b'["a"]\nno json\n[1,2,3,4]\n' + whole + whole[:-5])
    log = opened()
    assert items_of(log, "a") == ["x"]
    log.append([events("a", "y")])
    assert items_of(opened(), "a") == ["x", "y"]


def test_the_bounds_hold_and_the_log_is_written_anew(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(live_events, "SLACK", 10)
    log = opened(per_user=3, most=7)
    for n in range(30):
        log.append([events("a", f"x{n}"), events(f"u{n}", "y")])
    assert items_of(log, "a") == ["x27", "x28", "x29"]
    assert (len(log), items_of(log, "u29"), items_of(log, "u20")) == (7, ["y"], [])
    lines = (tmp_path / "state" / "events.jsonl").read_bytes().count(b"\n")
    assert 7 <= lines <= 2 * 7 + 10
    again = opened(per_user=3, most=7)
    assert (items_of(again, "a"), len(again)) == (["x27", "x28", "x29"], 7)


def test_two_servers_do_not_share_a_folder(opened, tmp_path):
    opened()
    with pytest.raises(ConfigError, match=r"is used by another server\. Give each server a --state of its own\."):
        LiveEvents(tmp_path / "state")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot hold the events \(.*\)\. Give another folder with --state\."):
        LiveEvents(tmp_path / "file")


def test_on_a_full_disk_requests_go_on_and_health_says_so(artifact, tmp_path, monkeypatch):
    """The limit of the size of a file stands for the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    service = Service(artifact, Settings(state=tmp_path / "state"))
    with TestClient(create_app(service)) as client:

        def send(*items, full=False):
            sent = {"events": [{"user_id": "a", "item_id": item} for item in items]}
            size = (tmp_path / "state" / "events.jsonl").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20 if full else soft, hard))
            try:
                return client.post("/events", json=sent).json()["stored"]
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        assert send("p00001")
        assert not send("p00002", "p00003", full=True)
        health = client.get("/health").json()
        assert (health["status"], health["events"]) == ("degraded", 3)
        assert health["problems"][0].startswith("the log of events cannot be written (")
        assert "\nzoo_degraded 1.0\n" in client.get("/metrics").text
        found = client.post("/recommend", json={"user_id": "a", "k": 40}).json()["items"]
        assert {"p00001", "p00002", "p00003"}.isdisjoint(item["item_id"] for item in found)
        assert not send("p00004")  # it is not tried again at once
        service.live._retry_at = 0.0
        assert send("p00005")
        assert client.get("/health").json()["status"] == "ok"
    again = LiveEvents(tmp_path / "state")
    assert items_of(again, "a") == ["p00001", "p00002", "p00003", "p00004", "p00005"]
    again.close()
