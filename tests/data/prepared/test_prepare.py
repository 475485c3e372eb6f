"""Prepared logs: found again, never taken for whole when they are not, removed beyond the limit."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from zoo.cli.main import main
from zoo.data.prepared import prepare as preparing
from zoo.data.prepared.cache import cached_logs, enforce_limit
from zoo.data.prepared.folder import MANIFEST
from zoo.data.prepared.prepare import prepare
from zoo.errors import ConfigError, DataError

pytest.importorskip("duckdb", reason="preparing data needs DuckDB")


@pytest.mark.parametrize(
    "settings", [{}, {"k_core": 3, "events": ["view", "cart"], "sample_users": 30}, {"ties": "file"}], ids=str
)
def test_a_prepared_log_is_the_one_that_is_read(logs, write, settings):
    file, items = write(**logs.draw()), write("items.parquet", item_id=np.arange(80), title=["a title"] * 80)
    expected = logs.in_memory(file, items=[items], **settings)
    prepare(logs.source(file, items=[items], **settings))
    found = logs.opened(file, items=[items], **settings)
    assert isinstance(found.log.items, np.memmap)
    assert logs.content(found, "price") == logs.content(expected, "price")
    assert (found.log.event_names, found.log.clock, found.log.ties) == (
        expected.log.event_names,
        expected.log.clock,
        expected.log.ties,
    )


def test_a_user_table_is_prepared_too(logs, write):
    file = write(**logs.draw())
    users = write("users.parquet", user_id=[f"u{number}" for number in range(50)], age=np.arange(50))
    assert logs.source(file).folder != logs.source(file, users=[users]).folder
    prepare(logs.source(file, users=[users]))
    found, expected = logs.opened(file, users=[users]), logs.in_memory(file, users=[users])
    assert isinstance(found.log.items, np.memmap)
    assert logs.content(found) == logs.content(expected)
    assert found.users.numbers("age")[1:].tolist() == [float(name[1:]) for name in found.user_ids.to_pylist()]
    write("users.parquet", user_id=[f"u{number}" for number in range(50)], age=np.arange(50) + 1)
    assert not isinstance(logs.opened(file, users=[users]).log.items, np.memmap)


def test_small_files_are_read_into_memory(logs, write, cache):
    assert not isinstance(logs.opened(write(**logs.draw())).log.items, np.memmap)
    assert not cache.exists()


def test_large_files_are_prepared_by_themselves(logs, write, monkeypatch):
    monkeypatch.setattr(preparing, "LARGE_BYTES", 1)
    assert isinstance(logs.opened(write(**logs.draw())).log.items, np.memmap)


def test_other_settings_and_changed_files_are_another_log(logs, write):
    file = write(**logs.draw())
    prepare(logs.source(file))
    assert not isinstance(logs.opened(file, salt="another").log.items, np.memmap)
    write(**logs.draw(seed=1))
    assert not isinstance(logs.opened(file).log.items, np.memmap)


def test_accepted_checks_are_the_same_log(logs, write):
    file = write(**logs.draw())
    prepare(logs.source(file))
    assert isinstance(logs.opened(file, accept=["ties"]).log.items, np.memmap)


@pytest.mark.parametrize("damage", ["short", "without a file", "without a manifest", "another version", "no JSON"])
def test_a_damaged_folder_is_no_log(logs, write, damage):
    file = write(**logs.draw())
    folder = prepare(logs.source(file)).folder
    if damage == "short":
        os.truncate(folder / "times.bin", 100)
    elif damage == "without a file":
        (folder / "users.arrow").unlink()
    elif damage == "without a manifest":
        (folder / MANIFEST).unlink()
    elif damage == "another version":
        manifest = json.loads((folder / MANIFEST).read_text())
        (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 0}))
    else:
        (folder / MANIFEST).write_text("{")
    assert cached_logs() == []
    assert not isinstance(logs.opened(file).log.items, np.memmap)
    prepare(logs.source(file))
    assert isinstance(logs.opened(file).log.items, np.memmap)


def test_two_that_want_the_same_log_prepare_it_once(logs, write, monkeypatch):
    file, calls = write(**logs.draw()), []
    write_prepared = preparing.write_prepared
    monkeypatch.setattr(preparing, "write_prepared", lambda *args: (calls.append(1), write_prepared(*args)))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: prepare(logs.source(file)).folder, range(2)))
    assert found[0] == found[1]
    assert len(calls) == 1


def test_an_error_leaves_nothing(logs, write, cache):
    file = write(**logs.draw(event=["view", None] * 500))
    with pytest.raises(DataError, match="event is empty"):
        prepare(logs.source(file))
    assert list(cache.iterdir()) == []


def test_a_full_disk_names_the_folder_and_the_need(logs, write, cache, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preparing, "write_prepared", full)
    with pytest.raises(DataError, match=r"No space left on device. It needs up to .* are free. .*ZOO_CACHE") as error:
        prepare(logs.source(write(**logs.draw())))
    assert str(cache) in str(error.value)
    assert list(cache.iterdir()) == []


def test_the_logs_that_were_opened_last_remain(logs, write, monkeypatch):
    files = [write(f"{seed}.parquet", **logs.draw(seed=seed)) for seed in range(3)]
    folders = [prepare(logs.source(file)).folder for file in files]
    for age, folder in zip((1, 3, 2), folders, strict=True):
        os.utime(folder / MANIFEST, (age, age))
    assert [prepared.folder for prepared in cached_logs()] == [folders[1], folders[2], folders[0]]
    size = cached_logs()[0].size
    monkeypatch.setenv("ZOO_CACHE_GIB", str(2.5 * size / 2**30))
    enforce_limit(folders[0])
    assert {prepared.folder for prepared in cached_logs()} == {folders[0], folders[1]}


def test_remains_are_cleared(logs, write, cache):
    """A log of another version, a damaged one, and what a killed process was writing."""
    folder = prepare(logs.source(write(**logs.draw()))).folder
    (folder / MANIFEST).write_text("{}")
    (folder.parent / "of another version").mkdir()
    (folder.parent / "of another version" / "items.bin").write_bytes(bytes(1000))
    script = (
        "from zoo.process_identity import ProcessIdentity as P; print(*vars(P.of_this_process()).values(), sep='.')"
    )
    writer = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout
    (folder.parent / f".half.{writer.strip()}.{'0' * 12}").mkdir()
    assert cached_logs() == []
    assert "removed 2 logs" in CliRunner().invoke(main, ["cache", "clear"]).output
    assert list(folder.parent.iterdir()) == []


def test_remains_count_for_the_limit(logs, write, monkeypatch):
    folders = [prepare(logs.source(write(f"{seed}.parquet", **logs.draw(seed=seed)))).folder for seed in range(2)]
    (folders[0] / MANIFEST).write_text("{}")
    monkeypatch.setenv("ZOO_CACHE_GIB", "0")
    enforce_limit(folders[1])
    assert [folder.exists() for folder in folders] == [False, True]


def test_a_file_that_changes_before_it_is_read_is_refused(logs, write):
    file = write(**logs.draw())
    source = logs.source(file)
    os.utime(source.events.files[0], (1, 1))
    with pytest.raises(DataError, match="has changed since it was first read"):
        prepare(source)


def test_large_files_are_read_into_memory_where_the_cache_cannot_be_written(write, logs, cache, monkeypatch):
    monkeypatch.setattr(preparing, "LARGE_BYTES", 1)
    file = write(**logs.draw())
    cache.parent.write_text("a file in its place")
    with pytest.warns(UserWarning, match="The log is read into memory"):
        found = logs.opened(file)
    assert logs.content(found) == logs.content(logs.in_memory(file))


@pytest.mark.parametrize("limit", ["much", "inf", "nan", "-1"])
def test_a_limit_that_is_no_number(monkeypatch, limit):
    monkeypatch.setenv("ZOO_CACHE_GIB", limit)
    with pytest.raises(ConfigError, match=f"ZOO_CACHE_GIB is '{limit}', expected a number of GiB"):
        enforce_limit(None)


def test_commands(logs, write, cache):
    file = write(**logs.draw())
    done = CliRunner().invoke(main, ["data", "prepare", file])
    assert done.exit_code == 0
    assert "events: 1,000" in done.output
    assert str(cache) in done.output
    assert "was prepared before" in CliRunner().invoke(main, ["data", "prepare", file]).output
    listed = CliRunner().invoke(main, ["cache", "list"]).output
    assert "1,000 events of" in listed
    assert "1 log, " in listed
    assert "11 checks" in CliRunner().invoke(main, ["data", "check", file]).output
    assert "removed 1 log" in CliRunner().invoke(main, ["cache", "clear"]).output
    assert cached_logs() == []


def test_a_source_that_is_no_file(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text('[data]\nsource = "synthetic-shop"\n[[model]]\npredictor = "popular"\n')
    done = CliRunner().invoke(main, ["data", "prepare", str(file)])
    assert done.exit_code == 2
    assert "only files can be prepared" in done.output


KILLED = """
import os, signal, sys
from zoo.data.prepared.prepare import Source, prepare
from zoo.config.experiment import DataSettings
from zoo.data.dataset_params import FilesParams
from zoo.data.files import Files

calls, number, cache = 0, int(sys.argv[2]), os.environ["ZOO_CACHE"]


def count(event, args):
    global calls
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.scandir") and cache in str(args[0]):
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)


tables = Files(FilesParams(interactions=[sys.argv[1]])).read()
source = Source.of(tables, DataSettings(source="files"), sessions_as_users=False)
sys.addaudithook(count)
prepare(source)
print(calls)
"""


@pytest.mark.robust
def test_killed_at_twenty_moments(logs, write, tmp_path, cache):
    file = write(**logs.draw())
    expected = logs.content(logs.in_memory(file))

    def run(number):
        return subprocess.run(
            [sys.executable, "-c", KILLED, file, str(number)], capture_output=True, text=True, check=False
        )

    whole = run(0)
    assert whole.returncode == 0, whole.stderr
    calls = int(whole.stdout) - 4  # a wait for a lock makes a few calls more or less
    for number in np.linspace(1, calls, 20).round().astype(int):
        CliRunner().invoke(main, ["cache", "clear"])
        assert run(number).returncode == -9
        assert len(cached_logs()) <= 1  # whole or absent
        assert logs.content(logs.opened(file)) == expected
        prepare(logs.source(file))
        assert logs.content(logs.opened(file)) == expected
        assert [path.name for path in cache.iterdir()] == [logs.source(file).folder.name]
