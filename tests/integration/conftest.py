"""A Python of its own for each test: it sees what is installed here, and what a test installs is gone after it."""

import os
import subprocess
import sys
import sysconfig
import venv

import pytest


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Return a function that runs `python ARGUMENTS` in an empty folder, without a network for pip, and gives its output."""
    home, work = tmp_path / "env", tmp_path / "work"
    venv.create(home, symlinks=os.name != "nt")
    scheme = sysconfig.get_preferred_scheme("prefix")
    places = {"base": str(home), "platbase": str(home)}
    site = sysconfig.get_path("purelib", "venv" if "venv" in sysconfig.get_scheme_names() else scheme, places)
    with open(os.path.join(site, "installed_here.pth"), "w", encoding="utf-8") as file:  # editable installs included
        file.write(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    work.mkdir()
    python = home / ("Scripts" if os.name == "nt" else "bin") / os.path.basename(sys.executable)
    for name in ("PYTHONPATH", "ZOO_PLUGINS", "ZOO_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")

    def run(*arguments, folder=""):
        command = [str(python), *map(str, arguments)]
        done = subprocess.run(command, cwd=work / folder, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
