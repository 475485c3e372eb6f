"""What the pages on artifacts say is there, and what they tell a reader to type works."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.artifacts import manifest
from zoo.artifacts.query_table import COLUMNS
from zoo.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
RECOMMEND = (DOCS / "how-to" / "recommend.md").read_text()
FORMAT = (DOCS / "reference" / "artifact-format.md").read_text()

EXPERIMENT = """
[data]
source = { name = "synthetic-shop", customers = 40, items = 60, events = 1500, categories = 6, brands = 12 }
[[model]]
predictor = { name = "als", factors = 8, iterations = 2 }
[[model]]
label = "content"
predictor = "content-knn"
featurizer = { name = "tf-idf", columns = ["title"] }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with the files that the page speaks of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(EXPERIMENT)
    csv, jsonl = re.findall(r"^```text\n(.*?)^```$", RECOMMEND, re.DOTALL | re.MULTILINE)
    (tmp_path / "queries.csv").write_text(csv)
    (tmp_path / "queries.jsonl").write_text(jsonl)
    (tmp_path / "items.csv").write_text("item_id,title\nnew,a red hat\n")
    return tmp_path


def test_the_commands_and_the_python_of_the_page_work(folder, capsys):
    commands = re.findall(r"^\$ zoo (.*)$", RECOMMEND, re.MULTILINE)
    more = "recommend artifacts/als --queries queries.jsonl --out lists.csv"
    for command in (*commands, more):
        done = CliRunner().invoke(main, shlex.split(command), prog_name="zoo")
        assert done.exit_code == 0, (command, done.output)
    assert len(commands) == 9
    (code,) = re.findall(r"^```python\n(.*?)^```$", RECOMMEND, re.DOTALL | re.MULTILINE)
    exec(code, {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_the_page_of_the_format_has_every_key_and_every_file(folder):
    CliRunner().invoke(main, ["fit", "my.toml", "--model", "als", "--out", "als"])
    for entry in (
        manifest.ArtifactManifest,
        manifest.ModelEntry,
        manifest.LogEntry,
        manifest.FileEntry,
        manifest.TensorEntry,
    ):
        for key in entry.model_fields:
            assert f"`{key}`" in FORMAT, key
    for path in (folder / "als").iterdir():
        assert f"`{path.name}`" in FORMAT


def test_the_page_has_every_column_of_a_query():
    assert re.findall(r"^\| `(\w+)` \|", RECOMMEND, re.MULTILINE) == list(COLUMNS)
