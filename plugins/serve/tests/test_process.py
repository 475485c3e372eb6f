"""The command in a process of its own, on a port of this machine."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the server needs FastAPI")

from click.testing import CliRunner
from shopzoo_serve.command import serve

START = "import sys; from shopzoo_serve.command import serve; serve(sys.argv[1:])"


class Server:
    """A server in a process of its own."""

    def __init__(self, *arguments):
        command = [sys.executable, "-c", START, *map(str, arguments), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # the artifact
        self.address = re.search(r"http://[\d.]+:\d+", self.process.stdout.readline())[0]

    def post(self, path, body, method="POST", **headers):
        headers = {"content-type": "application/json", **headers}
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def get(self, path):
        with urllib.request.urlopen(self.address + path) as answer:
            return json.load(answer)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def start():
    """Return a function that starts a server, which ends with the test."""
    servers = []

    def started(*arguments):
        servers.append(Server(*arguments))
        return servers[-1]

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


def test_a_server_answers_on_the_loopback_until_a_signal_ends_it(start, folder, artifact):
    server = start(folder, "--api-key", "secret")
    assert server.get("/health")["status"] == "ok"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        server.post("/recommend", {"user_id": "c000001"})
    found = server.post("/recommend", {"user_id": "c000001", "k": 4}, **{"X-API-Key": "secret"})
    assert [item["item_id"] for item in found["items"]] == [item.item_id for item in artifact.recommend("c000001", k=4)]
    assert server.end() == -signal.SIGTERM


def test_acknowledged_events_are_there_after_a_kill(start, folder, tmp_path):
    server = start(folder, "--state", tmp_path / "state")
    for item in ("p00001", "p00002"):
        assert server.post("/events", {"events": [{"user_id": "new", "item_id": item}]})["stored"]
    server.end(signal.SIGKILL)
    with (tmp_path / "state" / "events.jsonl").open("ab") as file:
        file.write(b'["new","p000')  # what a kill in the middle of a write leaves
    server = start(folder, "--state", tmp_path / "state")
    assert server.get("/health")["events"] == 2
    found = server.post("/recommend", {"user_id": "new", "k": 40})
    assert {"p00001", "p00002"}.isdisjoint(item["item_id"] for item in found["items"])


def test_an_address_that_is_taken_is_told(start, folder):
    port = start(folder).address.rpartition(":")[2]  # its log of events is beside the artifact
    assert (folder.parent / f"{folder.name}.live" / "events.jsonl").is_file()
    command = [sys.executable, "-c", START, str(folder), "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"zoo serve cannot listen on 127.0.0.1, port {port} (" in done.stderr
    assert "Choose another --port, or an address of this machine." in done.stderr


def test_a_key_that_cannot_be_sent_is_refused(folder):
    for key in ("", " ", "clé"):
        done = CliRunner().invoke(serve, [str(folder), "--api-key", key])
        assert (done.exit_code, "--api-key is empty or has characters that are not ASCII" in done.output) == (2, True)
