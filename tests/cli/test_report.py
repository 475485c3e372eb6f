"""`zoo report`: one page for several folders, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

from zoo.cli import report_command
from zoo.errors import ComponentError

FIXTURE = Path(__file__).parents[1] / "fixtures" / "benchmarks" / "recommend"


@pytest.fixture
def folders(tmp_path):
    return [Path(shutil.copytree(FIXTURE, tmp_path / name)) for name in ("one", "two")]


def test_several_folders_make_one_page_and_keep_their_own_reports(zoo, folders, tmp_path):
    for folder in folders:
        (folder / "report.md").unlink()
    told = zoo("report", *folders, "--out", tmp_path / "both.html", "--without-users").stdout
    assert told.splitlines()[-1] == f"Open {tmp_path / 'both.html'} in a browser."
    assert all((folder / "report.md").exists() for folder in folders)
    assert not any((folder / "report.html").exists() for folder in folders)
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert ">one, two</h1>" in text  # the folders have one task
    assert f"In {folders[0]}: report.md, results.jsonl" in told
    assert f"In {folders[1]}: report.md, results.jsonl" in told


def test_folders_of_two_tasks_have_a_table_each_and_a_sentence_that_says_what_differs(zoo, folders, tmp_path):
    manifest = json.loads((folders[1] / "manifest.json").read_text())
    manifest["task"], manifest["description"]["candidates"] = "another", 7
    (folders[1] / "manifest.json").write_text(json.dumps(manifest))
    sentence = "two is not compared with one: they differ in candidates."
    told = zoo("report", *folders, "--out", tmp_path / "both.html").stdout
    assert told.splitlines()[-2] == sentence
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert sentence in text
    assert all(f">{name}</h2>" in text for name in ("one", "two"))


def test_nothing_is_written_if_one_of_the_folders_has_no_results(zoo, folders, tmp_path):
    (folders[0] / "report.md").unlink()
    told = zoo("report", folders[0], tmp_path / "none", "--out", tmp_path / "both.html", code=2)
    assert told.stderr.startswith(f"zoo: {tmp_path / 'none'} holds no results: it has no manifest.json.")
    assert not (folders[0] / "report.md").exists()
    assert not (tmp_path / "both.html").exists()


def test_a_folder_in_place_of_the_page_is_refused(zoo, folders, tmp_path):
    told = zoo("report", folders[0], "--out", tmp_path, code=2).stderr
    assert (
        told
        == f"zoo: report: {tmp_path} is a folder, expected a file to write. Pass a name such as {tmp_path / 'report.html'}.\n"
    )


def test_a_benchmark_without_jinja2_ends_with_what_to_install(folders, capsys, monkeypatch):
    def missing(folder):
        raise ComponentError("report.html needs the package Jinja2")

    monkeypatch.setattr("zoo.html_report.writing.report", missing)
    report_command.write_page(folders[0])
    assert capsys.readouterr().out == "report.html needs the package Jinja2\n"
