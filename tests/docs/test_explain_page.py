"""The page on explanations works as it stands."""

import re
from pathlib import Path

from click.testing import CliRunner

from zoo import Artifact
from zoo.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs/how-to/explain.md").read_text(encoding="utf-8")


def test_the_page_works_as_it_stands(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    names = {}
    exec(code, names)
    assert "because of" in capsys.readouterr().out
    assert isinstance(names["model"], Artifact)
    names["model"].save(tmp_path / "artifacts" / "ease")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    zoo (explain .*)$", PAGE, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        found = CliRunner().invoke(main, command.split(), prog_name="zoo")
        assert found.exit_code == 0, found.output
