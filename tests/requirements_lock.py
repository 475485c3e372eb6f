"""`requirements.lock`: the exact versions of what `make setup` installs, with the hashes of the files.

    python tests/requirements_lock.py write      resolve the dependencies anew and write the file; `make lock` runs it
    python tests/requirements_lock.py runtime    print the part that runs the zoo, for `pip install --require-hashes --no-deps`
    python tests/requirements_lock.py tools      print the part that develops it

A hash belongs to the file for one version of Python on one system. On another one, the script prints a sentence instead, and
`make setup` installs what `constraints.txt` allows. PyTorch has no hash, because its builds differ between indexes; `make setup`
installs it by version. The script needs nothing but Python and pip.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK, CONSTRAINTS = ROOT / "requirements.lock", ROOT / "constraints.txt"
WITHOUT_HASH = "torch"
OF_TORCH = ("nvidia-", "cuda-", "triton")
"""Prefixes of packages that only the CUDA build of PyTorch needs."""
PARTS = {"runtime": "# What runs the zoo", "tools": "# What tests and develops it"}


def target() -> str:
    """Return the version of Python and the system that the hashes are for."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor} on {sysconfig.get_platform()}"


def requirements(*, tools: bool) -> list[str]:
    """Return the requirements of the core and of all plugins, without those among themselves."""
    found = []
    for file in [ROOT / "pyproject.toml", *sorted((ROOT / "plugins").glob("*/pyproject.toml"))]:
        about = tomllib.loads(file.read_text(encoding="utf-8"))
        project = about["project"]
        found += [*about["build-system"]["requires"], *project.get("dependencies", [])]
        found += project.get("optional-dependencies", {}).get("dev", []) if tools else []
    return sorted({line for line in found if not line.startswith("shopzoo")})


def resolve(lines: Iterable[str], constraints: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return version and hash of each package that pip would install, by name."""
    with tempfile.TemporaryDirectory() as name:
        report, bounds = Path(name) / "report.json", Path(name) / "constraints.txt"
        bounds.write_text("\n".join(constraints), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--report", str(report), "-c", str(bounds), *lines]
        subprocess.run(command, check=True)
        return read_report(json.loads(report.read_text(encoding="utf-8")))


def read_report(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return version and hash of each package of an installation report, by name; PyTorch and what only it needs left out."""
    found = {}
    for entry in report["install"]:
        name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
        if name != WITHOUT_HASH and not name.startswith(OF_TORCH):
            found[name] = entry["metadata"]["version"], entry["download_info"]["archive_info"]["hashes"]["sha256"]
    return dict(sorted(found.items()))


def format_lock(runtime: dict[str, tuple[str, str]], everything: dict[str, tuple[str, str]]) -> str:
    """Return the text of the file."""
    tools = {name: found for name, found in everything.items() if name not in runtime}
    head = [
        f"# {target()}. Written by `make lock`; used by `make setup` on this system only.",
        f"# Without {WITHOUT_HASH}, whose version is in constraints.txt: its builds and hashes differ between indexes.",
    ]
    parts = []
    for title, packages in zip(PARTS.values(), (runtime, tools), strict=True):
        lines = [f"{name}=={version} --hash=sha256:{digest}" for name, (version, digest) in packages.items()]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(["\n".join(head), *parts]) + "\n"


def read_part(text: str, part: str) -> str:
    """Return the lines of one part of the file."""
    return text.partition(f"{PARTS[part]}\n")[2].partition("\n\n")[0].strip() + "\n"


def main(action: str) -> int:
    """Run an action; return its exit code."""
    if action == "write":
        bounds = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        everything = resolve(requirements(tools=True), bounds)
        pins = [*bounds, *(f"{name}=={version}" for name, (version, _) in everything.items())]
        runtime = resolve(requirements(tools=False), pins)
        LOCK.write_text(format_lock(runtime, everything), encoding="utf-8")
        print(f"{LOCK.name}: {len(everything)} packages for {target()}")
        return 0
    text = LOCK.read_text(encoding="utf-8")
    locked_for = text.partition("# ")[2].partition(". Written")[0]
    if locked_for != target():
        print(
            f"{LOCK.name} has the hashes for {locked_for}, and this is {target()}: installing the versions that "
            f"{CONSTRAINTS.name} allows, without hashes.",
            file=sys.stderr,
        )
        return 1
    sys.stdout.write(read_part(text, action))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("write", *PARTS):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
