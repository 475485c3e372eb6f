"""The generated pages: complete, and regenerated when the code changes."""

import json
import re

import pytest

from generate import pages as docs
from generate.model_pages import model_pages, paragraphs
from generate.python_page import python_page
from generate.results_page import results_page
from zoo.registry.registry import Registry


@pytest.fixture(scope="module")
def pages():
    return docs.pages()


def test_the_page_of_the_file_has_every_key(pages):
    page = pages["reference/config.md"]
    for key in ("source", "k_core", "cuts", "validation", "test_users", "column", "exclude_seen", "refit", "rankers"):
        assert f"\n| `{key}` | " in page


def test_the_page_of_python_names_has_what_users_call_of_a_result():
    found = re.findall(r"^#### `BenchmarkResult\.(\w+)`$", python_page(), re.MULTILINE)
    assert found == ["artifact", "findings", "lists", "manifest", "rows", "to_arrow", "to_pandas", "to_polars"]


def test_every_component_of_this_repository_has_its_place(pages):
    distributions = ("shopzoo", "shopzoo-baselines", "shopzoo-mf", "shopzoo-rules", "shopzoo-cleaning")
    ours = [c for c in Registry.discover().components() if c.plugin.distribution in distributions]
    assert len(ours) > 20
    for c in ours:
        if c.spec.stage in ("predictor", "featurizer", "ranker"):
            assert f"| [`{c.name}`](../models/{c.name}.md) |" in pages["reference/components.md"]
            assert pages[f"models/{c.name}.md"].startswith(f"# `{c.name}`\n")
        else:
            assert f"\n### {c.spec.stage} `{c.name}`\n" in pages["reference/components.md"]
    places = re.findall(r"\]\(\.\./(models/.*?)\) \|", pages["reference/components.md"])
    assert len(places) == len(set(places))  # no two components share a page
    assert {f"models/{name}" for name in re.findall(r"\]\(([a-z0-9-]+\.md)\) \|", pages["models/index.md"])} == {
        *places
    }


def test_a_plugin_of_somebody_else_is_not_in_the_pages(install, monkeypatch):
    install("good")
    monkeypatch.delenv("ZOO_PLUGINS")
    pages = docs.pages()
    assert "shelf" not in pages["reference/components.md"]
    assert "models/shelf.md" not in pages


NEEDY = '''
from zoo.api import Capabilities, ComponentSpec, Field, Figure, Params, Predictor, Recipe, hookimpl


@hookimpl
def zoo_components():
    figures = (Figure("ndcg@10", 0.1, 0.01, "A. Author", measured=0.095), Figure("hit@10", 0.2, 0.01, "A. Author"))
    recipe = Recipe("beauty", "amazon-beauty", figures, {"needed": 7}, train={"refit": True}, note="Chosen by hand.")
    able = Capabilities(features="required", trains_in_epochs=True, needs_time=True)
    return [ComponentSpec(
        "needy", "predictor", "needy_model:Needy", NeedyParams, "A test.", "Author: On tests.", able,
        tiny={"needed": 3}, aliases=("helpless",), reproduces=(recipe,),
    )]


class NeedyParams(Params):
    needed: int = Field(description="Has no default.")


class Needy(Predictor[NeedyParams]):
    """Cannot do without a parameter (A. Author, 1999).

    What differs: `everything`,
    over two lines.

    Attributes:
        hidden: Not for readers.
    """

    def fit(self, data, context):
        """Learn nothing."""

    def score(self, queries):
        """Never called."""
'''


def test_a_models_page_says_all_that_spec_and_docstring_know(tmp_path):
    (tmp_path / "needy_model.py").write_text(NEEDY)
    pages = model_pages(Registry.discover([tmp_path / "needy_model.py"]))
    assert "| [`needy`](needy.md) | A test. | needy_model | beauty |" in pages["index.md"]
    parts = pages["needy.md"].rstrip("\n").split("\n\n")
    assert parts[2:6] == [
        "A test.",
        "After: Author: On tests.",
        "Cannot do without a parameter (A. Author, 1999).",
        "What differs: `everything`, over two lines.",
    ]
    assert "- needs item features\n- needs timestamps\n" in pages["needy.md"]
    assert 'predictor = {name = "needy", needed = 3}\nfeaturizer = "tf-idf"\n```' in pages["needy.md"]
    assert "Part of the plugin `needy_model`. Also called `helpless`." in parts
    assert "| `needed` | whole number | required | Has no default. |" in pages["needy.md"]
    assert parts[-5:] == [
        "### beauty",
        "Settings: `needed = 7; train: refit = true`.",
        "Chosen by hand.",
        "| metric | published | tolerance | measured | source |\n| --- | --- | --- | --- | --- |\n"
        "| ndcg@10 | 0.1 | 0.01 | 0.095 | A. Author |\n| hit@10 | 0.2 | 0.01 |  | A. Author |",
        "    ZOO_DATA=path/to/data zoo reproduce needy --recipe beauty",
    ]
    assert "Not for readers" not in pages["needy.md"]


def test_a_docstring_of_one_line_is_one_paragraph():
    assert paragraphs("One line.") == ["One line."]
    assert paragraphs("") == []


def test_every_model_has_parameters_and_a_way_to_use_it(pages):
    models = [text for name, text in pages.items() if re.fullmatch(r"models/(?!index).*\.md", name)]
    assert len(models) > 8
    assert all("```toml\n[data]" in text and "## Parameters" in text for text in models)


RUN = {
    "data": {"name": "beauty"}, "task": "t1", "label": "net", "seed": 1, "fit_seconds": 12.0,
    "config": {"split": {"policy": "leave-last-out"}, "train": {"refit": False}},
    "metrics": {"ndcg@10": [0.05, 0.04, 0.06], "mrr@10": [None, None, None]},
    "training": {"epochs": 9, "seconds_to_best": 1234.5},
    "machine": {"gpu": None, "processor": "A processor", "threads": 2},
}  # fmt: skip


def test_kept_results_are_listed_by_the_question_that_they_answer(tmp_path):
    refit = {**RUN, "label": "als", "seed": None, "training": {}, "task": "t2"}
    refit["config"] = {**RUN["config"], "train": {"refit": True}}
    runs = [RUN, {**RUN, "seed": 0, "machine": {**RUN["machine"], "gpu": "A card"}}, refit]
    (tmp_path / "beauty.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))
    page = results_page(tmp_path)["results/index.md"]
    part = page.partition("## beauty, leave-last-out, no refit (task `t1`)\n\n")[2]
    assert part.startswith("From [beauty.jsonl](beauty.jsonl).\n\n")
    table = part.splitlines()[2:]
    assert table[0] == "| model | seed | ndcg@10 | mrr@10 | epochs | s to best | fit s | machine |"
    assert table[2:4] == [
        "| `net` | 0 | 0.0500 |  | 9 | 1,234 | 12.0 | A card, 2 threads |",
        "| `net` | 1 | 0.0500 |  | 9 | 1,234 | 12.0 | A processor, 2 threads |",
    ]
    assert "## beauty, leave-last-out, refit on training and validation events (task `t2`)\n" in page
    assert "| `als` |  | 0.0500 |  |  |  | 12.0 | A processor, 2 threads |" in page


def test_where_nothing_is_kept_there_is_no_page_of_results(tmp_path):
    assert results_page(tmp_path / "results") == {}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, pages):
    """Let the pages be written in another folder than this repository's."""
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "pages", lambda: pages)
    return tmp_path / "docs"


def test_a_stale_page_fails_the_check_and_is_written_anew(elsewhere):
    assert docs.main(["--check"], standalone_mode=False) == 1
    assert not elsewhere.exists()
    docs.main([], standalone_mode=False)
    assert docs.main(["--check"], standalone_mode=False) == 0
    (elsewhere / "reference" / "cli.md").write_text("old")
    assert docs.main(["--check"], standalone_mode=False) == 1


def test_the_page_of_a_model_that_is_gone_is_stale_and_is_removed(elsewhere, capsys):
    docs.main([], standalone_mode=False)
    (elsewhere / "models" / "gone.md").write_text("# `gone`")
    (elsewhere / "reference" / "results.md").write_text("written by hand")
    capsys.readouterr()
    assert docs.main(["--check"], standalone_mode=False) == 1
    assert capsys.readouterr().err == "docs/models/gone.md is stale: run `make docs`\n"
    docs.main([], standalone_mode=False)
    assert not (elsewhere / "models" / "gone.md").exists()
    assert (elsewhere / "reference" / "results.md").exists()
