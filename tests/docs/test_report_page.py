"""The page on the HTML report works as it stands: its commands and its Python."""

import re
import shlex
import shutil
from pathlib import Path

from click.testing import CliRunner

import zoo
from zoo.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/show-results.md").read_text(encoding="utf-8")
EXPERIMENT = """
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 1500 }

[evaluate]
bootstrap = 100

[[model]]
predictor = "popular"
"""


def test_the_page_works_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    for name in ("shop-a", "shop-b"):
        shutil.copytree(ROOT / "tests/fixtures/benchmarks/recommend", tmp_path / "runs" / name)
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(program, "the program of the page", "exec"), {"zoo": zoo})
    assert {path.name for path in tmp_path.rglob("*.html")} == {"report.html", "both.html"}
    commands = re.findall(r"^    zoo (report .*)$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = CliRunner().invoke(main, shlex.split(command))
        assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.rglob("*.html")} == {"report.html", "tuned.html", "both.html"}
