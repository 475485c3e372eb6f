"""Errors of the machine are sentences, not tracebacks: output that cannot be written, and too little memory."""

import os
import resource
import subprocess
import sys

import pytest

from zoo.cli.machine_errors import explain

FULL = "zoo: the output cannot be written: No space left on device. Free some space, or write it elsewhere.\n"


def run(command, **streams):
    return subprocess.run(
        f"{sys.executable} -m zoo {command}", shell=True, stderr=subprocess.PIPE, text=True, **streams
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
@pytest.mark.parametrize("command", ["list", "list --json", "config schema", "--help"])
def test_a_full_disk_behind_stdout(command):
    done = run(f"{command} > /dev/full")
    assert (done.returncode, done.stderr) == (3, FULL)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_disk_behind_both_streams_ends_quietly():
    assert run("list --json > /dev/full 2> /dev/full").returncode == 3


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_streams(closed):
    done = run(f"list {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_seen_enough():
    done = run("list --json | head -n 1", stdout=subprocess.PIPE)
    assert (done.stdout, done.stderr) == ("[\n", "")


@pytest.mark.parametrize(
    "command",
    ["show als", "show als --json", "list", "config schema", "--help"],
)
def test_a_reader_that_is_gone(command):
    reader, writer = os.pipe()
    os.close(reader)
    done = run(command, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_too_little_memory_is_a_sentence(tmp_path):
    limit = 450 * 2**20  # enough for Python, not enough to map torch; in between, its initialisation may abort
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "report", str(tmp_path)], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("zoo: there is not enough memory (")
    assert done.stderr.endswith("). Free some, raise the limit of this process (ulimit -v), or use fewer data.\n")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "there is not enough memory (an allocation failed). Free some, "),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"),
         "there is not enough memory ([enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: "),
        (OSError(12, "Cannot allocate memory"), "there is not enough memory ("),
        (OSError(28, "No space left on device"), "the output cannot be written: No space left on device. Free some space"),
        (PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied."),
    ],
)  # fmt: skip
def test_what_an_error_means(error, sentence):
    assert explain(error).startswith(sentence)


@pytest.mark.parametrize(
    "error", [ImportError("cannot import name 'x'"), RuntimeError("shape mismatch"), ValueError("memo")]
)
def test_a_defect_is_not_explained_away(error):
    assert explain(error) is None
