"""`requirements.lock` covers what `make setup` installs, and is used only where its hashes can match."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LINE = r"([a-z0-9-]+)==(\S+) --hash=sha256:([0-9a-f]{64})"


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("requirements_lock")


def parts(script):
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    read = {part: script.read_part(text, part).splitlines() for part in script.PARTS}
    return {part: dict(re.fullmatch(LINE, line).groups()[:2] for line in lines) for part, lines in read.items()}


def test_every_requirement_is_locked_in_a_version_that_it_allows(script):
    found = parts(script)
    assert not found["runtime"].keys() & found["tools"].keys()
    everything = found["runtime"] | found["tools"]
    for tools, locked in ((False, found["runtime"]), (True, everything)):
        for line in script.requirements(tools=tools):
            requirement = Requirement(line)
            if requirement.name == script.WITHOUT_HASH:
                continue
            name = canonicalize_name(requirement.name)
            assert name in locked, f"{line}: run `make lock`"
            assert locked[name] in requirement.specifier, f"{line}: run `make lock`"
    assert len(everything) > 60


def test_the_constraints_hold_in_the_lock_and_each_has_a_reason(script):
    everything = {name: version for part in parts(script).values() for name, version in part.items()}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    bounds = [line for line in lines if line and not line.startswith("#")]
    for line in bounds:
        assert lines[lines.index(line) - 1].startswith("# ")
        requirement = Requirement(line)
        if requirement.name != script.WITHOUT_HASH:
            assert everything[requirement.name] in requirement.specifier
    assert script.WITHOUT_HASH in {Requirement(line).name for line in bounds}
    assert script.WITHOUT_HASH not in everything


def test_on_another_python_or_system_a_sentence_says_why_there_are_no_hashes(script, monkeypatch, capsys):
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked_for = re.match(r"# (Python 3\.\d+ on \S+)\. Written by `make lock`", text)[1]
    monkeypatch.setattr(script, "target", lambda: locked_for)
    assert script.main("runtime") == 0
    assert capsys.readouterr().out.count("--hash=") == len(parts(script)["runtime"])
    monkeypatch.setattr(script, "target", lambda: "Python 3.99 on plan9")
    assert script.main("runtime") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        f"requirements.lock has the hashes for {locked_for}, and this is Python 3.99 on plan9: installing the versions that "
        "constraints.txt allows, without hashes.\n"
    )


def test_a_report_of_pip_becomes_lines_and_pytorch_has_none(script):
    def entry(name, version, digest):
        return {
            "metadata": {"name": name, "version": version},
            "download_info": {"archive_info": {"hashes": {"sha256": digest}}},
        }

    installed = [
        entry("Zope.Interface", "1.0", "a" * 64), entry("torch", "2.0", "b" * 64), entry("nvidia-cublas", "1", "c" * 64),
        entry("attrs", "2.0", "d" * 64), entry("pytest", "8.0", "e" * 64),
    ]  # fmt: skip
    everything = script.read_report({"install": installed})
    assert list(everything) == ["attrs", "pytest", "zope-interface"]
    text = script.format_lock({name: everything[name] for name in ("attrs", "zope-interface")}, everything)
    assert (
        script.read_part(text, "runtime")
        == f"attrs==2.0 --hash=sha256:{'d' * 64}\nzope-interface==1.0 --hash=sha256:{'a' * 64}\n"
    )
    assert script.read_part(text, "tools") == f"pytest==8.0 --hash=sha256:{'e' * 64}\n"


def test_the_script_runs_with_the_standard_library_alone():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "tests/requirements_lock.py", "tools"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "--hash=" in done.stdout or "without hashes" in done.stderr
