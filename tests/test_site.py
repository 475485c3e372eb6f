"""The pages of the documentation site: every page is in the navigation, and links lead to headings. It needs no Sphinx."""

import re
from pathlib import Path

import pytest

import zoo
import zoo.api
import zoo.nn

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
INDEXES = sorted(DOCS.rglob("index.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def prose(page):
    """Return the text of a page without blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def links(page):
    """Return file and anchor of each link within the repository."""
    return [((page.parent / file) if file else page, anchor) for file, anchor in LINK.findall(prose(page))]


def anchors(page):
    """Return the anchors of a page's headings, as code hosts and the site make them of their text."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for file, anchor in links(page):
        assert file.exists(), f"{file} is missing"
        if anchor:
            assert anchor in anchors(file), f"{file.relative_to(ROOT)} has no heading #{anchor}"


@pytest.mark.parametrize("index", INDEXES, ids=lambda page: str(page.relative_to(ROOT)))
def test_an_index_links_every_page_of_its_folder(index):
    linked = {file.resolve() for file, _ in links(index)}
    pages = {page for page in (*index.parent.glob("*.md"), *index.parent.glob("*.ipynb")) if page != index}
    assert pages <= linked, "an index.md is the table of contents of its folder"


def test_every_folder_with_pages_has_an_index_that_the_first_page_links():
    folders = {page.parent for page in DOCS.rglob("*.md")} - {DOCS}
    linked = {file.resolve() for file, _ in links(DOCS / "index.md")}
    assert {folder / "index.md" for folder in folders} <= linked


def test_a_name_is_described_on_one_page_of_the_api():
    excluded = re.search(r":exclude-members: (.*)", (DOCS / "api/zoo.api.md").read_text(encoding="utf-8"))[1]
    elsewhere = {name for name in zoo.api.__all__ if name in {*zoo.__all__, *zoo.nn.__all__}}
    assert set(excluded.split(", ")) == {*elsewhere, "Field", "model_config"}


def test_the_picture_shows_the_table_of_the_figures_page():
    section = (DOCS / "explanation/figures.md").read_text(encoding="utf-8").partition("## The built-in shop")[2]
    rows = re.findall(r"^\| ([a-z-]+) \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)[2:]
    table = [(model, *re.findall(r"\d+\.\d{4}", figures)) for model, figures in rows]
    picture = re.findall(r">([^<>]+)</text>", (DOCS / "static/demo.svg").read_text(encoding="utf-8"))
    shown = [text for text in picture if re.fullmatch(r"[a-z-]+|\d+\.\d{4}", text) and text != "model"]
    assert [value for row in table for value in row] == shown
