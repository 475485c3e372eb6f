"""What contributors meet first agrees with the project: forms, hooks, citation, and the map of the code."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import zoo

ROOT = Path(__file__).parents[1]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_asks_under_labels(form):
    body = read(form)["body"]
    questions = [part for part in body if part["type"] != "markdown"]
    assert all(question["attributes"]["label"] for question in questions)
    ids = [question["id"] for question in questions]
    assert len(ids) == len(set(ids))


def test_the_hooks_use_the_tools_of_make_check():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1].replace("$(BIN)", ".venv/bin")
    [repo] = read(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        tool = " ".join(hook["entry"].split()[:2])
        assert tool == "make check" or f"\t{tool} " in check


def test_the_citation_names_the_version():
    citation = read("CITATION.cff")
    assert citation["version"] == zoo.__version__
    assert citation["license"] == "Apache-2.0"
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["repository-code"] == about["urls"]["Source"]


def test_the_map_names_every_package_of_the_core():
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## A map of the code")[2]
    packages = {f"`zoo/{path.parent.name}/`" for path in (ROOT / "zoo").glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\| (`zoo/\w+/`) \|", section, re.MULTILINE))


def test_the_walk_names_files_that_exist():
    walk = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("**From config to report.**")[2]
    files = re.findall(r"`(\w+/\w+\.py)`", walk.partition("\n## ")[0])
    assert len(files) > 8
    assert all((ROOT / "zoo" / file).is_file() for file in files)
