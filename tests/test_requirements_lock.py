"""`requirements.lock` covers what `make setup` installs, and is used only where its hashes can match."""

import os
import re
import shutil
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


PIP = """#!/bin/sh
# In place of the Python of an environment: prints what pip is asked to do, and fails at $FAIL. The script of the lock runs.
case "$1" in
    -m) shift 3; echo "pip $*"; case "$*" in *"$FAIL"*) exit 1;; esac;;
    *) exec "$REAL" "$@";;
esac
"""


@pytest.fixture
def setup(tmp_path):
    """Return a function that runs `make setup` in a copy of the tree, with a pip that only prints."""
    for name in ("Makefile", "constraints.txt", "requirements.lock", "pyproject.toml", "tests/requirements_lock.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "plugins" / "one").mkdir(parents=True)
    shutil.copy(ROOT / "plugins" / "mf" / "pyproject.toml", tmp_path / "plugins" / "one")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PIP)
    python.chmod(0o755)

    def run(*arguments, fail="nothing", code=0):
        done = subprocess.run(
            ["make", "--no-print-directory", f"PYTHON={sys.executable}", "TORCH_BUILD=+cpu", *arguments, "setup"], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={**os.environ, "FAIL": fail, "REAL": sys.executable},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stderr, [line for line in done.stdout.splitlines() if line.startswith("pip install ")], done.stdout

    return run


WITH = [
    "pip install -q --require-hashes --no-deps -r .venv/runtime.txt",
    "pip install -q torch==2.13.0+cpu",
    "pip install -q -c constraints.txt --no-build-isolation --no-deps -e . -e ./plugins/one",
    "pip install -q --require-hashes --no-deps -r .venv/tools.txt",
]
WITHOUT = [
    "pip install -q setuptools>=77",
    "pip install -q torch==2.13.0+cpu",
    "pip install -q -c constraints.txt --no-build-isolation -e . -e ./plugins/one",
    "pip install -q -c constraints.txt --no-build-isolation -e .[dev]",
]


def relabel(folder, label):
    """Give the copy of the lock the label of another Python or system."""
    lock = folder / "requirements.lock"
    lock.write_text(re.sub(r"^# .*?\. Written", f"# {label}. Written", lock.read_text()))


def test_setup_verifies_hashes_where_they_can_match(setup, tmp_path, script):
    relabel(tmp_path, script.target())
    assert setup()[1] == WITH
    assert setup()[1] == []  # nothing to do
    assert "--hash=sha256:" in (tmp_path / ".venv" / "runtime.txt").read_text()


def test_setup_installs_by_constraints_elsewhere_and_says_so(setup, tmp_path):
    relabel(tmp_path, "Python 3.99 on plan9")
    told, asked, _ = setup()
    assert asked == WITHOUT
    assert told.startswith("requirements.lock has the hashes for Python 3.99 on plan9, and this is ")


def test_a_hash_that_does_not_match_ends_setup_with_what_to_do(setup, tmp_path, script):
    relabel(tmp_path, script.target())
    _, asked, told = setup(fail="--require-hashes", code=2)
    assert asked == WITH[:1]
    assert "If a hash differs, do not use that file." in told
    assert told.rstrip().endswith("make LOCK=false setup")
    assert setup("LOCK=false")[1] == WITHOUT
