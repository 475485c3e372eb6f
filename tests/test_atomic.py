"""Files and folders are written whole or not at all."""

import errno
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest

from zoo import atomic, process_identity
from zoo.atomic import heal_folder, remove_leftovers, write_atomically, write_folder_atomically
from zoo.exchange_folders import exchange_folders
from zoo.process_identity import ProcessIdentity


class Stopped(BaseException):
    """As Ctrl-C raises."""


def fail_in_file(path, error):
    with write_atomically(path) as temporary:
        temporary.write_text("half")
        raise error


def fail_in_folder(path, error):
    with write_folder_atomically(path) as temporary:
        (temporary / "b").write_text("half")
        raise error


def write_where_another_writes(path):
    with write_folder_atomically(path, replace=False) as temporary:
        (temporary / "a").write_text("new")
        path.mkdir()
        (path / "b").write_text("another's")


def test_a_file_is_there_when_it_is_complete_and_not_before(tmp_path):
    path = tmp_path / "below" / "file.txt"
    with write_atomically(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, ValueError, Stopped])
def test_after_an_error_the_file_before_is_kept_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error):
        fail_in_file(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, ValueError, Stopped])
def test_after_an_error_the_folder_before_is_kept_and_nothing_else(tmp_path, error):
    path = tmp_path / "folder"
    with write_folder_atomically(path) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(error):
        fail_in_folder(path, error)
    assert [p.name for p in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("a", "b"):
        with write_folder_atomically(tmp_path / "folder") as temporary:
            (temporary / name).write_text("")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_be_renamed(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "a").write_text("old")
    with pytest.raises(FileNotFoundError), write_folder_atomically(path) as temporary:
        temporary.rmdir()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_to_be_replaced_stays(tmp_path):
    path = tmp_path / "folder"
    with pytest.raises(OSError, match="not empty"):
        write_where_another_writes(path)
    assert [p.name for p in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]


SELF = ProcessIdentity.of_this_process()
KILLED = replace(SELF, pid=2**22 + 1)
"""A process of this machine that has ended: no process has this number."""
FOREIGN = ProcessIdentity("0" * 12, 1, 1)
"""A process of another machine."""


def suffix(process):
    """Return the end of the names of what a process writes."""
    return f"{process.machine}.{process.pid}.{process.start}.0123456789ab"


def left_by(path, end="", process=KILLED):
    """Make what a process that was killed while it replaced a folder leaves beside it."""
    left = path.with_name(f".{path.name}.{suffix(process)}{end}")
    left.mkdir()
    (left / "a").write_text("old")
    return left


def test_a_folder_that_was_being_replaced_comes_back(tmp_path):
    path = tmp_path / "folder"
    left_by(path)
    left_by(path, ".old")
    heal_folder(path)
    assert (path / "a").read_text() == "old"
    heal_folder(path)
    with write_folder_atomically(path) as temporary:
        (temporary / "b").write_text("new")
    assert [p.name for p in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_running_process_writes_is_left_alone(tmp_path):
    path = tmp_path / "folder"
    parent = replace(SELF, pid=os.getppid(), start=process_identity._start(os.getppid()))
    running = left_by(path, ".old", parent)
    heal_folder(path)
    with write_folder_atomically(path):
        pass
    assert running.exists()


@pytest.mark.parametrize("number", [os.getpid, os.getppid])
def test_a_number_that_a_later_process_has_again_does_not_keep_what_was_left(tmp_path, number):
    path = tmp_path / "folder"
    earlier = replace(SELF, pid=number(), start=1)
    left_by(path, "", earlier)
    left_by(path, ".old", earlier)
    heal_folder(path)
    assert (path / "a").read_text() == "old"
    with write_folder_atomically(path) as temporary:
        (temporary / "b").write_text("new")
    assert list(tmp_path.iterdir()) == [path]


def test_what_this_process_does_not_write_any_more_is_left_over(tmp_path):
    path = tmp_path / "folder"
    left_by(path, ".old", SELF)
    heal_folder(path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_another_machine_writes_is_left_alone_until_it_is_old(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    for end in ("", ".old"):
        left_by(path, end, FOREIGN)
    heal_folder(path)
    remove_leftovers(tmp_path, "folder")
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(atomic, "FOREIGN_OLD_SECONDS", -1)
    heal_folder(path)
    assert (path / "a").read_text() == "old"
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(atomic, "FOREIGN_SECONDS", -1)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def write_folder(path, text):
    with write_folder_atomically(path) as temporary:
        for name in ("a", "b"):
            (temporary / name).write_text(text)


def write_file(path, text):
    with write_atomically(path) as temporary:
        temporary.write_text(text)


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("write", [write_folder, write_file])
def test_threads_that_write_to_one_place_do_not_disturb_each_other(tmp_path, monkeypatch, write, exchange):
    if not exchange:
        monkeypatch.setattr(atomic, "exchange_folders", lambda one, other: False)
    path, texts = tmp_path / "place", [str(number) * 1000 for number in range(60)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda text: write(path, text), texts))  # raises what a thread raised
    assert list(tmp_path.iterdir()) == [path]
    assert {file.read_text() for file in (path.iterdir() if write is write_folder else [path])} <= set(texts)
    assert write is write_file or (path / "a").read_text() == (path / "b").read_text()


def test_two_calls_of_one_thread_write_to_paths_of_their_own(tmp_path):
    with write_atomically(tmp_path / "a") as outer:
        outer.write_text("outer")
        write_file(tmp_path / "a", "inner")
    assert (tmp_path / "a").read_text() == "outer"


def test_folders_of_other_names_are_left_alone(tmp_path):
    others = [left_by(tmp_path / name) for name in ("folder.old", "folder.x", "older")]
    with write_folder_atomically(tmp_path / "folder"):
        pass
    assert all(other.exists() for other in others)


def test_where_folders_cannot_be_exchanged_they_are_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "exchange_folders", lambda one, other: False)
    test_a_folder_is_replaced_as_a_whole(tmp_path)


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="this system cannot exchange folders")
def test_folders_are_exchanged(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not exchange_folders(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system cannot exchange folders")
    assert (tmp_path / "one" / "other").exists()
    assert not exchange_folders(tmp_path / "one", tmp_path / "gone")


@pytest.fixture
def dead():
    """Return the end of the names of what a process wrote that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return suffix(replace(SELF, pid=process.pid))


def test_what_a_killed_process_left_is_removed(tmp_path, dead):
    with write_atomically(tmp_path / "a.json") as temporary:
        temporary.write_text("x")
        kept = [".hidden", ".a.json.x1", ".a.json.1", temporary.name, "a.json.1", "b.txt"]
        for name in (*kept, f".a.json.{dead}", f".b.{dead}"):
            (tmp_path / name).write_text("x")
        (tmp_path / "runs" / f".folder.old.{dead}").mkdir(parents=True)
        (tmp_path / "runs" / f".folder.old.{dead}" / "file").write_text("x")
        remove_leftovers(tmp_path)
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([*kept, "runs"])


def test_a_file_that_is_written_again_loses_its_leftovers_and_no_other_files(tmp_path, dead):
    for name in (f".a.json.{dead}", f".b.json.{dead}"):
        (tmp_path / name).write_text("half")
    write_file(tmp_path / "a.json", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".b.json.{dead}", "a.json"]


@pytest.mark.parametrize("name", ["a" * 250, "é" * 120, "a" * 255])
def test_a_name_as_long_as_a_file_system_allows(tmp_path, name):
    with write_atomically(tmp_path / name) as temporary:
        temporary.write_text("x")
    (tmp_path / name).unlink()
    with write_folder_atomically(tmp_path / name) as temporary:
        (temporary / "a").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.fixture
def synced(monkeypatch):
    """Return the inodes that are written to the disk, in order; those of folders are negative."""
    found, fsync = [], os.fsync

    def watch(descriptor):
        state = os.fstat(descriptor)
        found.append(-state.st_ino if stat.S_ISDIR(state.st_mode) else state.st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    return found


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, synced):
    write_file(tmp_path / "a", "x")
    assert synced == [(tmp_path / "a").stat().st_ino]


@pytest.mark.skipif(os.name != "posix", reason="Windows opens no folders")
def test_a_folder_its_files_and_its_name_are_on_the_disk(tmp_path, synced):
    with write_folder_atomically(tmp_path / "folder") as temporary:
        (temporary / "below").mkdir()
        (temporary / "below" / "a").write_text("x")
    files = {(tmp_path / "folder" / "below" / "a").stat().st_ino}
    folders = {-path.stat().st_ino for path in (tmp_path / "folder", tmp_path / "folder" / "below")}
    assert set(synced[:-1]) == files | folders
    assert synced[-1] == -tmp_path.stat().st_ino


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_cannot_sync_is_no_error_and_a_failing_disk_is_one(tmp_path, monkeypatch, number):
    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with nullcontext() if number == errno.EINVAL else pytest.raises(OSError, match="Input/output"):
        write_file(tmp_path / "a", "x")
    assert [path.name for path in tmp_path.iterdir()] == (["a"] if number == errno.EINVAL else [])
