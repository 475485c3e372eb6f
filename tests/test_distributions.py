"""What the distributions say about themselves: one version, one range, one licence; READMEs that need no tree."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from zoo.version import __version__, compatible_core

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(file.parent for file in (ROOT / "plugins").glob("*/pyproject.toml"))
RANGE = compatible_core().removeprefix("shopzoo")


def about(project):
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("distributions")


@pytest.fixture(scope="module")
def core():
    return about(ROOT)["project"]


def test_the_extra_all_has_every_plugin_of_the_tree_within_the_range_of_this_version(core):
    """No model needs Ray, which has hundreds of megabytes, or a web server: they are extras of their own."""
    names = [about(plugin)["project"]["name"] for plugin in PLUGINS]
    extras = core["optional-dependencies"]
    assert sorted([*extras["all"], *extras["ray"], *extras["serve"]]) == sorted(f"{name}{RANGE}" for name in names)
    assert (extras["ray"], extras["serve"]) == ([f"shopzoo-ray{RANGE}"], [f"shopzoo-serve{RANGE}"])


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_has_the_version_of_the_core_and_needs_a_core_that_fits(plugin, core):
    project = about(plugin)["project"]
    assert project["version"] == __version__
    needs = [Requirement(line) for line in project["dependencies"]]
    assert [str(need.specifier) for need in needs if need.name == "shopzoo"] == [
        str(Requirement(f"shopzoo{RANGE}").specifier)
    ]
    for key in ("license", "license-files", "authors", "requires-python", "classifiers", "urls"):
        assert project[key] == core[key], key


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_ships_its_licence_and_its_types(plugin):
    assert (plugin / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    (package,) = (plugin / "src").glob("shopzoo_*/__init__.py")
    assert (package.parent / "py.typed").is_file()
    assert about(plugin)["tool"]["setuptools"]["package-data"] == {package.parent.name: ["py.typed"]}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_link_in_the_readme_of_a_plugin_leads_to_a_file_of_the_repository(plugin, core):
    targets = re.findall(r"\]\(([^)#]+)", (plugin / "README.md").read_text(encoding="utf-8"))
    assert core["urls"]["Source"] in targets
    for target in targets:
        assert target.startswith("https://"), target
        _, found, path = target.partition(f"{core['urls']['Source']}/blob/main/")
        assert not found or (ROOT / path).exists(), target


def test_the_readme_that_is_built_has_only_absolute_links(script, core):
    text = script.absolute_links((ROOT / "README.md").read_text(encoding="utf-8"), core["urls"]["Source"], "v1.2.0")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 30
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert f"[Speed]({core['urls']['Source']}/blob/v1.2.0/docs/explanation/speed.md)" in text


def test_an_image_a_place_on_the_page_and_an_absolute_link_are_kept_apart(script):
    text = "![shop](docs/shop.png) [here](#try-it) [there](https://example.org/a) [far](docs/a.md#b)"
    assert script.absolute_links(text, "https://x.y/z", "v1") == (
        "![shop](https://x.y/z/raw/v1/docs/shop.png) [here](#try-it) [there](https://example.org/a) "
        "[far](https://x.y/z/blob/v1/docs/a.md#b)"
    )


def test_the_version_is_read_without_an_import(script):
    assert script.version() == __version__


@pytest.mark.parametrize(("version", "expected"), [("0.1.0", "shopzoo>=0.1.0,<0.2"), ("1.4.2", "shopzoo>=1.4.2,<2")])
def test_a_range_ends_where_a_version_may_break(monkeypatch, version, expected):
    monkeypatch.setattr("zoo.version.__version__", version)
    assert compatible_core() == expected


def lower_bounds():
    """Yield the requirements of the core and of the plugins that a lowest version belongs to."""
    for project in (ROOT, *PLUGINS):
        found = about(project)
        lines = [*found["build-system"]["requires"], *found["project"]["dependencies"]]
        extras = found["project"].get("optional-dependencies", {})
        lines += [
            line
            for name, of_extra in extras.items()
            if name in ("text", "report", "sentence", "dev")
            for line in of_extra
        ]
        for requirement in map(Requirement, lines):
            if not requirement.name.startswith(("shopzoo", "torch")) or requirement.name == "torchmetrics":
                yield from ((requirement, s.version) for s in requirement.specifier if s.operator == ">=")


def test_the_lowest_versions_are_those_that_the_projects_allow():
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    lowest = dict(line.split("==") for line in lines if not line.startswith("#"))
    seen = set()
    for requirement, bound in lower_bounds():
        seen.add(requirement.name)
        if requirement.name != "import-linter":
            assert lowest[requirement.name] in requirement.specifier
            assert Version(lowest[requirement.name]).release[: len(Version(bound).release)] == Version(bound).release
    assert lowest.keys() - seen == set()
