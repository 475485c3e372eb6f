"""What an import prints is captured, also below Python, and never shown."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from zoo.registry import printed
from zoo.registry.printed import capture_output


def test_text_of_python_of_compiled_code_and_of_child_processes_is_captured(capfd):
    with capture_output() as output:
        print("python")
        os.write(1, b"descriptor\n")
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    print("after")
    assert output.text == "python\ndescriptor\nchild\n"
    assert capfd.readouterr().out == "after\n"


def test_an_error_leaves_the_output_as_it_was(capfd):
    output = None

    def fail():
        nonlocal output
        with capture_output() as output:
            os.write(1, b"before the error\n")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    os.write(1, b"after\n")
    assert output.text == "before the error\n"
    assert capfd.readouterr().out == "after\n"


def test_without_a_temporary_file_the_text_is_lost_and_not_shown(capfd, monkeypatch):
    def refuse():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(printed, "TemporaryFile", refuse)
    with capture_output() as output:
        os.write(1, b"lost\n")
    assert output.text == ""
    assert capfd.readouterr().out == ""


def test_threads_capture_in_turn(capfd):
    def capture(number):
        with capture_output() as output:
            os.write(1, f"{number}\n".encode())
            print(number)
        return output.text

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(capture, range(40)))
    os.write(1, b"after\n")
    print("after")
    assert texts == [f"{number}\n{number}\n" for number in range(40)]
    assert capfd.readouterr().out == "after\nafter\n"
