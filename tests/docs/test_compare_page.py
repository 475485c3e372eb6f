"""The page on comparing, scoring and verifying works as it stands: its commands and its Python, in order."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs/how-to/compare-and-verify.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands():
    return [shlex.split(line.removeprefix("$ zoo ")) for block in blocks("console") for line in block.splitlines()]


def run(command):
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Write the files of the page, and enter their folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.toml").write_text(blocks("toml")[0], encoding="utf-8")


def test_the_page_works_as_it_stands(shop, tmp_path, capsys):
    program, in_python = blocks("python")
    exec(compile(program, "the program of the page", "exec"), {})
    told = {" ".join(command): run(command) for command in commands()}
    assert [command.partition(" ")[0] for command in told] == [
        "bench",
        "compare",
        "score",
        "compare",
        "compare",
        "score",
        "verify",
        "verify",
    ]
    assert "theirs (external)" in told["score theirs.parquet shop.toml --label theirs --out runs/shop"]
    assert "item-knn and theirs" in told["compare runs/shop:item-knn theirs"]
    assert told["verify runs/shop"].startswith("runs/shop: every metric of ")
    assert "ran again and reproduced: " in told["verify runs/shop --sample 2"]
    assert "theirs" not in told["score --remove theirs --out runs/shop"]
    exec(compile(in_python, "the Python of the page", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "True"
