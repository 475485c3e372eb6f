"""What README and docs tell a reader to write works as it stands there."""

import re
import tomllib
from pathlib import Path

import pytest
import torch

import zoo
from zoo.api import CandidateLists, Catalogue, Field, Filter, Params, Ranker
from zoo.config.load import experiment_from

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def whole_configs():
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{i}")
        for page in PAGES
        for i, block in enumerate(blocks(page, "toml"))
        if "[[model]]" in block
    ]


@pytest.mark.parametrize("text", whole_configs())
def test_every_whole_config_is_valid(text, tmp_path):
    assert experiment_from(tomllib.loads(text), tmp_path).models


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_part_of_a_config_is_valid(page, tmp_path):
    whole = {"data": {"source": "synthetic-shop"}, "model": [{"predictor": "popular"}]}
    for block in blocks(page, "toml"):
        part = tomllib.loads(block)
        if "project" not in part and "model" not in part:  # a plugin's pyproject; a whole config, tested above
            data = {**whole["data"], **part.pop("data", {})}
            assert experiment_from({**whole, **part, "data": data}, tmp_path).models


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_plugin_of_one_file_runs(tmp_path):
    plugin = tmp_path / "recent.py"
    plugin.write_text(blocks(ROOT / "docs/how-to/write-a-plugin.md", "python")[0])
    config = {
        "data": {"source": {"name": "synthetic-shop", "customers": 100, "items": 60, "events": 3000}},
        "evaluate": {"metrics": ["ndcg@10"], "bootstrap": 100},
        "model": [{"predictor": "recent"}, {"predictor": "random"}],
    }
    rows = zoo.bench(config, tmp_path / "out", plugins=[plugin]).rows()
    assert [row.error for row in rows] == [None, None]


def test_the_filter_and_the_ranker_do_what_they_say():
    class AffordableParams(Params):
        limit: float = Field(10.0, description="The highest price.")

    names = {"Filter": Filter, "Ranker": Ranker, "Params": Params, "AffordableParams": AffordableParams, "torch": torch}
    exec(blocks(ROOT / "docs/how-to/write-a-plugin.md", "python")[1], names)
    import pyarrow as pa

    catalogue = Catalogue(pa.array([None, "a", "b"]), pa.table({"price": [None, 3.0, 30.0]}))
    affordable = names["Affordable"](AffordableParams())
    affordable.fit(type("Data", (), {"catalogue": catalogue}), None)
    assert affordable.keep(None).tolist() == [[False, True, False]]
    lists = CandidateLists(torch.tensor([[1, 2, 3]]), torch.zeros(1, 3), torch.zeros(1, 3, 0))
    assert len(names["Shuffle"](Params()).score(lists).unique()) == 3


@pytest.mark.slow
def test_the_five_lines_of_python_print_a_row_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(blocks(ROOT / "README.md", "python")[0], {})
    assert "ease" in capsys.readouterr().out
