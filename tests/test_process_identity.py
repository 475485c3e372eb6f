"""A process is told apart from a later one with its number, and from those of other machines."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from zoo import process_identity
from zoo.process_identity import ProcessIdentity

SELF = ProcessIdentity.of_this_process()


def test_this_process_runs():
    assert SELF.has_ended() is False
    assert SELF.start > 0


def test_an_earlier_process_with_the_number_of_this_one_has_ended():
    assert replace(SELF, start=SELF.start - 1).has_ended() is True


def test_a_process_whose_start_is_unknown_runs_if_its_number_is_in_use():
    assert replace(SELF, start=0).has_ended() is False
    assert ProcessIdentity(SELF.machine, 2**22 + 1, 0).has_ended() is True
    assert ProcessIdentity(SELF.machine, 10**10 - 1, 0).has_ended() is True


def test_nothing_is_known_of_another_machine():
    assert replace(SELF, machine="0" * 12).has_ended() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the state of a process")
def test_a_process_that_was_not_waited_for_has_ended():
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessIdentity(SELF.machine, process.pid, process_identity._start(process.pid))
    assert identity.has_ended() is False
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identity.has_ended() is True
    process.wait()


def test_elsewhere_the_library_tells(monkeypatch):
    assert process_identity._start_elsewhere(os.getpid()) > 10**12
    assert process_identity._start_elsewhere(2**22 + 1) is None
