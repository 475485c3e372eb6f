"""The page in a browser: no error, no request, and what a reader clicks and types works.

`make browser` runs them, and requires an installed Chromium and Playwright. Without either, `pytest -m browser` skips them.
"""

import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import zoo
from zoo.config.load import experiment_from
from zoo.data.analysis.analyse import analyse
from zoo.html_report.data_page import write_data_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = bool(os.environ.get("ZOO_BROWSER"))
MISSING = "chromium" if BROWSER is None else "" if find_spec("playwright") else "Playwright"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(MISSING) and not REQUIRED, reason=f"no browser: {MISSING} is not installed"),
]


@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium."""
    from playwright.sync_api import sync_playwright

    assert BROWSER, "no browser: install chromium (on Debian: apt-get install chromium)"
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=[*sandbox, "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def data_page(tmp_path_factory):
    """Return the path of the data report of the built-in shop."""
    source = {"name": "synthetic-shop", "customers": 200, "items": 100, "events": 6000}
    experiment = experiment_from({"data": {"source": source}, "model": [{"predictor": "popular"}]})
    out = tmp_path_factory.mktemp("data") / "report"
    return write_data_report(analyse(experiment.require_recommend(), "shop", guess=False), out)[0]


@pytest.fixture
def view(browser, page):
    """Return a function that opens the page; afterwards no error may be on the console and no request may have left the file."""
    contexts, problems = [], []

    def opened(path=page, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on(
            "console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None
        )
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("request", lambda request: None if request.url == path.as_uri() else problems.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def labels(tab):
    return tab.locator("#b1-table tbody tr:visible th").evaluate_all("cells => cells.map(c => c.dataset.v)")


def test_a_click_on_a_heading_sorts_and_another_turns_the_order(view):
    tab = view()
    heading = tab.locator("#b1-table thead th", has_text="hit@5")
    heading.get_by_role("button").click()
    values = tab.locator("#b1-table tbody tr td:nth-child(3)").evaluate_all(
        "cells => cells.map(c => Number(c.dataset.v))"
    )
    assert values == sorted(values, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    first = labels(tab)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert tab.locator("#b1-table [aria-sort]").count() == 1
    tab.locator("#b1-table thead th", has_text="model").get_by_role("button").click()
    assert labels(tab) == sorted(first)


def test_the_keyboard_sorts_opens_menus_and_closes_them(view):
    tab = view()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.locator("#b1-table thead th", has_text="novelty@5").get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#b1-table thead th", has_text="novelty@5").get_attribute("aria-sort")
    tab.locator("#b1-board summary").focus()
    tab.keyboard.press("Enter")
    assert tab.get_by_role("group", name="Visible columns").is_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")  # the first column disappears
    assert not tab.locator("#b1-table thead th", has_text="ndcg@5").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.get_by_role("group", name="Visible columns").is_visible()
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_filter_keeps_the_models_that_have_its_text(view):
    tab = view()
    tab.get_by_label("Filter").fill("KNN")
    assert labels(tab) == ["item-knn"]
    assert tab.get_by_role("status").first.text_content() == "1 of 4 models"
    tab.get_by_label("Filter").fill("")
    assert len(labels(tab)) == 4


def test_columns_and_intervals_can_be_chosen(view):
    tab = view()
    hidden = tab.locator("#b1-table thead th", has_text="queries/s")
    assert not hidden.is_visible()
    tab.locator("#b1-board summary").click()
    tab.get_by_label("queries/s").check()
    assert hidden.is_visible()
    interval = tab.locator("#b1-table .interval").first
    assert interval.is_visible()
    tab.get_by_role("checkbox", name="Intervals").uncheck()
    assert not interval.is_visible()


def test_one_choice_of_the_metric_changes_intervals_charts_and_slices(view):
    tab = view()
    tab.get_by_label("Metric").first.select_option(label="hit@5")
    for section in ("intervals", "cost", "slices"):
        shown = tab.locator(f"#b1-{section} [data-view]:visible")
        assert shown.count() == 1
        assert shown.get_attribute("data-number") == "1"
    assert {select.input_value() for select in tab.get_by_label("Metric").all()} == {"1"}


def background(tab):
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_that_of_the_system_or_the_reader_and_is_kept(view):
    tab = view(color_scheme="dark")
    dark, button = background(tab), tab.locator("[data-theme-button]")
    assert button.text_content() == "Theme: system"
    button.click()
    assert button.text_content() == "Theme: light"
    assert background(tab) == "rgb(255, 255, 255)"
    tab.reload()
    assert background(tab) == "rgb(255, 255, 255)"
    button.click()
    assert background(tab) == dark != "rgb(255, 255, 255)"
    assert background(view(color_scheme="light")) == "rgb(255, 255, 255)"


def test_the_lists_of_users_follow_the_choice_of_user_and_models(view):
    tab = view()
    section = tab.locator("#b1-users")
    first = section.locator("[data-lists]").text_content()
    assert "History" in first
    assert section.locator("[data-lists] ol").count() == 4
    section.get_by_label("Next user").click()
    assert section.locator("[data-user]").input_value() == "1"
    assert section.locator("[data-lists]").text_content() != first
    section.get_by_label("Previous user").click()
    section.get_by_label("Previous user").click()
    assert section.locator("[data-user]").input_value() == "19"
    section.locator("summary").click()
    section.get_by_role("checkbox").first.uncheck()
    assert section.locator("[data-lists] ol").count() == 3


def test_a_point_says_what_it_is(view):
    tab = view()
    point = tab.locator("#b1-cost circle.on-front").first
    point.hover()
    assert "ndcg@5" in tab.locator(".tooltip").text_content()


def serious_violations(tab):
    """Return what axe-core finds on the page, with all details open."""
    from axe_playwright_python.sync_playwright import Axe

    for block in tab.locator("details.block summary").all():
        block.click()
    return [
        (v["id"], v["nodes"][0]["target"], v["nodes"][0]["failureSummary"])
        for v in Axe().run(tab).response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["page", "data_page"])
def test_no_rule_of_accessibility_is_broken_and_nothing_is_wider_than_the_page(view, width, scheme, name, request):
    tab = view(
        request.getfixturevalue(name),
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True,
    )  # fmt: skip
    assert serious_violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_changes_the_theme_of_a_data_report(view, data_page):
    tab = view(data_page, color_scheme="dark")
    dark = background(tab)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Theme: system"
    tab.keyboard.press("Enter")
    assert background(tab) == "rgb(255, 255, 255)" != dark


def test_a_page_of_two_tasks_has_parts_of_their_own(view, results, tmp_path):
    other = Path(shutil.copytree(results.folder, tmp_path / "other"))
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "task": "another"}))
    tab = view(zoo.report(results, other, out=tmp_path / "two.html"), viewport={"width": 390, "height": 844})
    assert tab.locator("section.benchmark").count() == 2
    tab.locator("#b2-board").get_by_label("Filter").fill("knn")
    assert len(labels(tab)) == 4
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    identities = tab.evaluate("Array.from(document.querySelectorAll('[id]'), e => e.id)")
    assert len(identities) == len(set(identities))


def test_nothing_hostile_runs(view, hostile):
    dialogs = []
    tab = view(zoo.report(hostile))
    tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
    tab.locator("#b1-users").get_by_label("Next user").click()
    assert dialogs == []
    assert tab.locator("#b1-users img, #b1-table img").count() == 0


def test_a_print_shows_the_page_in_light_colours_without_controls(view):
    tab = view(color_scheme="dark")
    tab.emulate_media(media="print")
    assert background(tab) == "rgb(255, 255, 255)"
    assert not tab.locator("[data-theme-button]").is_visible()
    assert tab.locator("#b1-table").is_visible()
