"""What an import prints is captured, also below Python, and never shown."""

import os
import subprocess
import sys

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
