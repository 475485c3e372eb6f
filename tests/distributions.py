"""Build the distributions of the core and of all plugins, and try them in an environment of their own.

    python tests/distributions.py build              sdists and wheels into dist/, checked by twine; `make dist` runs it
    python tests/distributions.py test [ARGUMENTS]   install the wheels of dist/ into a new environment, and run the demo, a fit,
                                                     recommendations, README's Python lines and pytest; `make test-dist` runs it

`test` uses the Python that runs the script. The environment does not see the tree: no install is editable, and PYTHONSAFEPATH keeps
the current folder off the path of every process. ARGUMENTS are those of pytest, `tests plugins` by default; `none` runs no test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PROJECTS = (ROOT, *sorted(file.parent for file in (ROOT / "plugins").glob("*/pyproject.toml")))
SUITE = ("pytest", "pytest-xdist", "hypothesis", "setuptools", "polars", "duckdb", "optuna", "ruff", "mypy")
"""What the suite needs besides the wheels, of the extra `dev`."""
SHOP = """
import re, sys
import pyarrow as pa
from pyarrow import csv
import zoo

tables = zoo.load("synthetic-shop", customers=60, items=40, events=2000).read()
orders = tables.interactions.select(["user_id", "item_id", "timestamp"])
items = tables.items["item_id"]
prices = pa.table({"sku": items, "price": [5.0] * len(items), "in_stock": [i % 2 == 0 for i in range(len(items))]})
csv.write_csv(orders.rename_columns(["customer", "sku", "date"]), "orders.csv")
csv.write_csv(prices, "prices.csv")
exec(re.search(r"^```python\\n(.*?)^```$", open(sys.argv[1], encoding="utf-8").read(), re.DOTALL | re.MULTILINE)[1])
"""
"""Writes the files that README's Python lines name, and runs the lines."""


def version() -> str:
    """Return the version of the core."""
    text = (ROOT / "zoo" / "version.py").read_text(encoding="utf-8")
    return str(re.search(r'^__version__ = "(.*)"$', text, re.MULTILINE)[1])  # type: ignore[index]


def absolute_links(text: str, url: str, tag: str) -> str:
    """Return a README whose links to files of the repository lead to the tag: an index page does not have the files."""

    def absolute(match: re.Match[str]) -> str:
        image, words, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        return f"{image}[{words}]({url}/{'raw' if image else 'blob'}/{tag}/{target})"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", absolute, text)


def build() -> None:
    """Build sdist and wheel of each project from a copy of the tree, and check them.

    The copy has the files that git knows or would add, and a README with absolute links.
    """
    shutil.rmtree(DIST, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "shopzoo"
        for file in (file for file in files if file and (ROOT / file).is_file()):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, copy / file)
        about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        (copy / "README.md").write_text(
            absolute_links(text, about["urls"]["Source"], f"v{version()}"), encoding="utf-8", newline="\n"
        )
        for project in PROJECTS:
            command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST)]
            done = subprocess.run(
                [*command, str(copy / project.relative_to(ROOT))],
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode:
                sys.exit(f"{project} cannot be built:\n{done.stdout}")
    built = sorted(DIST.iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *map(str, built)], check=True)
    print(f"{len(built)} files in {DIST}")


def suite_requirements() -> list[str]:
    """Return the requirements of the suite, with the bounds of the extra `dev`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [each for each in project["optional-dependencies"]["dev"] if re.split("[<>=]", each)[0] in SUITE]


def commands(python: Path, folder: Path) -> Iterator[list[str]]:
    """Yield the commands that an environment with the wheels must pass."""
    zoo = [str(python), "-m", "zoo"]
    yield [str(python), "-c", "import zoo, sys; print(zoo.__file__); assert zoo.__file__.startswith(sys.prefix)"]
    yield [*zoo, "doctor"]
    yield [*zoo, "demo"]
    small = folder / "shop.toml"
    small.write_text(
        '[data]\nsource = "synthetic-shop"\n\n[[model]]\nlabel = "ease"\npredictor = "ease"\n', encoding="utf-8"
    )
    yield [*zoo, "fit", str(small), "--out", "artifact"]
    yield [*zoo, "recommend", "artifact", "--history", "p00001,p00007", "--k", "5"]
    yield [str(python), "-c", SHOP, str(ROOT / "README.md")]


def test(arguments: list[str]) -> None:
    """Install the wheels of `dist/` into a new environment and run the commands, and pytest with these arguments."""
    wheels = sorted(DIST.glob("*.whl"))
    if not wheels:
        sys.exit(f"{DIST} has no wheels: run `make dist`")
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["PYTHONSAFEPATH"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        venv.create(folder / "env", with_pip=True, symlinks=os.name != "nt")
        python = next(
            folder / "env" / d / f
            for d, f in (("bin", "python"), ("Scripts", "python.exe"))
            if (folder / "env" / d).exists()
        )
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        torch = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
        cpu = os.environ.get("TORCH_BUILD", "+cpu" if sys.platform == "linux" else "")

        def run(command: list[str], where: Path = folder, shown: str = "") -> None:
            begun = time.perf_counter()
            print(f"$ {shown or ' '.join(command).replace(str(python), 'python')}", flush=True)
            if code := subprocess.run(command, cwd=where, env=env, check=False).returncode:
                sys.exit(f"exit code {code}")
            print(f"  {time.perf_counter() - begun:.1f} s", flush=True)

        run([*pip, f"torch=={torch[1]}{cpu}"])  # type: ignore[index]
        run([*pip, "-c", str(ROOT / "constraints.txt"), *map(str, wheels)], shown=f"pip install {len(wheels)} wheels")
        size = sum(
            file.stat().st_size for file in (folder / "env").rglob("*") if file.is_file() and not file.is_symlink()
        )
        print(f"installed in {time.perf_counter() - start:.0f} s, {size / 2**20:,.0f} MiB", flush=True)
        for command in commands(python, folder):
            run(command, shown="README's Python lines" if SHOP in command else "")
        if arguments != ["none"]:
            run([*pip, "-c", str(ROOT / "constraints.txt"), *suite_requirements()])
            chosen = arguments or ["tests", "plugins", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
            run([str(python), "-m", "pytest", *chosen], where=ROOT)


if __name__ == "__main__":
    if sys.argv[1:2] not in (["build"], ["test"]):
        sys.exit(__doc__)
    build() if sys.argv[1] == "build" else test(sys.argv[2:])
