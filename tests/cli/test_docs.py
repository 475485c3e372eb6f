"""The generated pages: complete, and regenerated when the code changes."""

import json

import pytest

from zoo.cli import docs


def test_the_page_of_the_file_has_every_key():
    page = docs.pages()["config.md"]
    for key in ("source", "k_core", "cuts", "validation", "test_users", "column", "exclude_seen", "refit", "rankers"):
        assert f"\n| `{key}` | " in page


def test_the_page_of_the_components_has_every_component_of_this_repository(zoo):
    page = docs.pages()["components.md"]
    listed = json.loads(zoo("list", "--json").stdout)
    ours = [c for c in listed if c["distribution"] in ("shopzoo", "shopzoo-baselines", "shopzoo-mf", "shopzoo-rules")]
    assert len(ours) > 20
    assert all(f"\n### {c['stage']} `{c['name']}`\n" in page for c in ours)


def test_a_plugin_of_somebody_else_is_not_in_the_pages(install, monkeypatch):
    install("good")
    monkeypatch.delenv("ZOO_PLUGINS")
    assert "shelf" not in docs.pages()["components.md"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Let the pages be written in another folder than this repository's."""
    pages = docs.pages()
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "pages", lambda: pages)
    return tmp_path / "docs" / "reference"


def test_a_stale_page_fails_the_check_and_is_written_anew(elsewhere):
    assert docs.main(["--check"], standalone_mode=False) == 1
    assert not elsewhere.exists()
    docs.main([], standalone_mode=False)
    assert docs.main(["--check"], standalone_mode=False) == 0
    (elsewhere / "cli.md").write_text("old")
    assert docs.main(["--check"], standalone_mode=False) == 1
