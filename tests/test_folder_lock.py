"""Two processes never write to one folder, and a process that was killed locks nobody out."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

import zoo
from zoo.cli.main import main
from zoo.errors import ResultsError
from zoo.folder_lock import HOLDER, LOCK, lock_folder

HOLD = """
import sys
from pathlib import Path
from zoo.folder_lock import lock_folder

with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
    "split": {"cuts": [0.8]},
    "model": [{"predictor": "popular"}],
}


@pytest.fixture
def hold(tmp_path):
    """Return a function that starts a process which holds the lock of a folder until it reads a line."""
    started = []

    def start(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_second_process_says_who_holds_the_folder_and_ends(tmp_path, hold):
    process = hold(tmp_path / "out")
    with pytest.raises(ResultsError) as error, lock_folder(tmp_path / "out"):
        pytest.fail("the folder is locked")
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path / 'out'))} is in use by process {process.pid} on {re.escape(socket.gethostname())} "
        r"\(since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\. Wait for it with --wait \(in Python, wait=True\), stop it, or "
        r"choose another folder\.",
        str(error.value),
    )
    holder = json.loads((tmp_path / "out" / HOLDER).read_text())
    assert holder["pid"] == process.pid  # the attempt changed nothing


def test_a_lock_of_a_killed_process_is_taken_over(tmp_path, hold):
    process = hold(tmp_path / "out")
    process.kill()
    process.wait()
    assert (tmp_path / "out" / HOLDER).exists()
    with lock_folder(tmp_path / "out"):
        assert json.loads((tmp_path / "out" / HOLDER).read_text())["pid"] == os.getpid()


def test_a_process_that_waits_gets_the_lock_when_it_is_released(tmp_path, hold):
    process, seen = hold(tmp_path / "out"), []

    def waiting(holder):
        seen.append(holder)
        process.communicate("\n")  # now the other process ends, and removes its empty folder

    with lock_folder(tmp_path / "out", wait=True, waiting=waiting):
        assert (tmp_path / "out" / LOCK).exists()
    assert [text.split(" (")[0] for text in seen] == [f"process {process.pid} on {socket.gethostname()}"]


def test_nothing_is_left_of_a_lock(tmp_path):
    with lock_folder(tmp_path / "new" / "out"):
        pass
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path / "kept"):
        1 / 0  # noqa: B018
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "kept", "new"]


def test_a_holder_without_a_description_is_another_process(tmp_path, hold):
    hold(tmp_path / "out")
    (tmp_path / "out" / HOLDER).write_text("{")
    with pytest.raises(ResultsError, match="is in use by another process"), lock_folder(tmp_path / "out"):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ResultsError, match=r"file/out cannot be written: .*Choose another folder"),
        lock_folder(tmp_path / "file" / "out"),
    ):
        pass


@pytest.mark.parametrize("below", ["", "out"])
def test_a_file_or_a_broken_link_in_place_of_the_folder_is_told(tmp_path, below):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    for name in ("file", "link"):
        with (
            pytest.raises(ResultsError, match=rf"{name}.* cannot be written: .*Choose another folder"),
            lock_folder(tmp_path / name / below),
        ):
            pass


def test_a_folder_that_is_removed_while_it_is_created_is_created_again(tmp_path, monkeypatch):
    folder, mkdir, removed = tmp_path / "out", os.mkdir, []

    def remove_after(path, *args):
        try:
            mkdir(path, *args)
        except FileExistsError:
            if not removed:
                folder.rmdir()  # as the holder does between the attempt to create the folder and the look for it
                removed.append(path)
            raise

    folder.mkdir()
    monkeypatch.setattr(os, "mkdir", remove_after)
    with lock_folder(folder):
        assert (folder / LOCK).exists()
    assert removed


def test_a_benchmark_and_a_fit_take_the_lock_before_they_read_the_data(tmp_path, hold, monkeypatch):
    hold(tmp_path / "out")
    hold(tmp_path / "model.training")
    monkeypatch.setattr("zoo.benchmark.recommend.load_task", lambda *args: pytest.fail("was read"))
    monkeypatch.setattr("zoo.benchmark.fit_model.load_task", lambda *args: pytest.fail("was read"))
    with pytest.raises(ResultsError, match="out is in use by process"):
        zoo.bench(EXPERIMENT, tmp_path / "out")
    with pytest.raises(ResultsError, match=r"model\.training is in use by process"):
        zoo.fit(EXPERIMENT, out=tmp_path / "model")


def test_a_link_to_the_folder_of_a_fit_has_the_lock_of_the_folder(tmp_path, hold, monkeypatch):
    (tmp_path / "deep").mkdir()
    zoo.fit(EXPERIMENT, out=tmp_path / "deep" / "model")
    (tmp_path / "current").symlink_to(tmp_path / "deep" / "model")
    process = hold(tmp_path / "deep" / "model.training")
    for name in (tmp_path / "current", tmp_path / "deep" / "model" / ".." / "model"):
        with pytest.raises(ResultsError, match=rf"deep/model\.training is in use by process {process.pid} "):
            zoo.fit(EXPERIMENT, out=name)
    monkeypatch.chdir(tmp_path / "deep" / "model")
    with pytest.raises(ResultsError, match=rf"deep/model\.training is in use by process {process.pid} "):
        zoo.fit(EXPERIMENT, out=".")


NO_FLOCK = """
import errno, fcntl, os, signal, sys, warnings
from pathlib import Path

def flock(fd, operation):
    raise OSError(errno.ENOSYS, "Function not implemented")

fcntl.flock = flock
warnings.simplefilter("ignore")
from zoo.errors import ResultsError
from zoo.folder_lock import lock_folder

try:
    with lock_folder(Path(sys.argv[1])):
        print("held", flush=True)
        if sys.argv[2:] == ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.readline()
except ResultsError as error:
    print(error, flush=True)
"""


def test_without_flock_a_lock_is_held_and_that_of_a_killed_process_is_taken_over(tmp_path):
    command = [sys.executable, "-c", NO_FLOCK, str(tmp_path / "out")]
    died = subprocess.run([*command, "die"], capture_output=True, text=True, check=False)
    assert (died.stdout, died.returncode) == ("held\n", -9)
    assert (tmp_path / "out" / LOCK).exists()  # a marker, which the killed process has left behind
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        second = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        assert f"out is in use by process {holder.pid} on " in second.stdout
        holder.communicate("\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.robust
def test_the_command_ends_with_an_error_or_waits(tmp_path, hold):
    file = tmp_path / "shop.toml"
    file.write_text(
        '[data]\nsource = { name = "synthetic-shop", customers = 40, items = 60, events = 900 }\n'
        '[split]\ncuts = [0.8]\n[[model]]\npredictor = "popular"\n'
    )
    command = ["bench", str(file), "--out", str(tmp_path / "out")]
    process = hold(tmp_path / "out")
    result = CliRunner().invoke(main, command)
    assert result.exit_code != 0
    assert f"is in use by process {process.pid}" in result.output
    waiting = subprocess.Popen([sys.executable, "-m", "zoo", *command, "--wait"], stderr=subprocess.PIPE, text=True)
    assert waiting.stderr.readline().startswith(f"waiting for process {process.pid} on ")
    process.communicate("\n")
    waiting.communicate()
    assert waiting.returncode == 0
    assert (tmp_path / "out" / "report.md").exists()
    assert not list((tmp_path / "out").glob(".lock*"))


def test_only_the_first_process_of_a_distributed_fit_takes_the_lock(tmp_path, hold, monkeypatch):
    hold(tmp_path / "model.training")  # as the first process does
    for name, value in {"TORCHELASTIC_RUN_ID": "run", "RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert zoo.fit(EXPERIMENT, out=tmp_path / "model").recommend("c000001", k=3)
    assert not (tmp_path / "model").exists()
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(ResultsError, match=r"model\.training is in use by process"):
        zoo.fit(EXPERIMENT, out=tmp_path / "model")
