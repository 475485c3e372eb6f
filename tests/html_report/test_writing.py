"""Writing the page: where it goes, what is refused, and that no partial file remains."""

import builtins
import html
import re

import pytest

import zoo
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.errors import ComponentError, ConfigError, ResultsError

EXPERIMENT = {
    "data": {"source": {"name": "shopzoo/files", "interactions": ["events.csv"]}},
    "split": {"policy": "leave-last-out"},
    "evaluate": {"exclude_seen": True, "target_events": None},
    "train": {"refit": False},
    "model": [],
}


def folder(path, rows=(), task="t"):
    """Write a folder of results with the given rows."""
    store = Store(path)
    runs = [{"label": row.label, "seed": row.seed, "key": row.key} for row in rows]
    store.open(
        BenchmarkManifest(
            task,
            {"data": task},
            {"events": 1234},
            {"ndcg@10": True},
            EXPERIMENT,
            runs or [{"label": "a", "seed": None, "key": "a"}],
        )
    )
    for row in rows:
        store.add(row, None)
    return store


def row(label="a", **values):
    return Row(label, label, None, {"predictor": {"name": "own/x"}}, metrics={"ndcg@10": [0.5, 0.4, 0.6]}, **values)


def test_the_page_is_beside_the_results_and_of_several_folders_in_the_current_one(tmp_path, monkeypatch):
    one, two = folder(tmp_path / "one", [row()]), folder(tmp_path / "two", [row()], "other")
    monkeypatch.chdir(tmp_path)
    assert zoo.report(tmp_path / "one") == tmp_path / "one" / "report.html"
    both = zoo.report(one, str(two.folder))
    assert both.resolve() == tmp_path / "report.html"
    text = both.read_text(encoding="utf-8")
    assert 'href="#b1"' in text
    assert 'href="#b2"' in text
    assert "two is not compared with one: they differ in data." in text
    assert zoo.report(one, out=tmp_path / "deep" / "a.html").exists()


def test_the_page_loads_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert not re.findall(
        r"""(?:src|href|action|srcset|data)\s*=\s*["']?(?!#)[a-z/.]""",
        re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL),
    )
    assert not re.findall(r"@import|url\(", text)
    assert "default-src 'none'" in html.unescape(text)


def test_without_results_a_sentence_says_so(tmp_path):
    with pytest.raises(ConfigError, match="report: expected a folder of results, found none"):
        zoo.report()
    with pytest.raises(
        ResultsError, match=r"none holds no results: it has no manifest.json. Create them with `zoo bench FILE --out"
    ):
        zoo.report(tmp_path / "none")
    folder(tmp_path / "empty")
    with pytest.raises(
        ResultsError,
        match=r"empty has no finished run, so there is nothing to report. Run the benchmark again to resume it",
    ):
        zoo.report(tmp_path / "empty")
    (tmp_path / "empty" / "manifest.json").write_text('{"format": 9}')
    with pytest.raises(ResultsError, match="has format 9, this version reads 1"):
        zoo.report(tmp_path / "empty")
    assert not list(tmp_path.rglob("*.html"))


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    store = folder(tmp_path / "one", [row()])
    with pytest.raises(
        ConfigError,
        match=rf"report: {tmp_path} is a folder, expected a file to write. Pass a name such as {tmp_path}/report.html",
    ):
        zoo.report(store, out=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"file/report.html cannot be written: .*choose another file"):
        zoo.report(store, out=tmp_path / "file" / "report.html")


def test_damage_in_a_folder_leaves_the_page_as_it_was(tmp_path):
    store = folder(tmp_path / "one", [row()])
    before = zoo.report(store).read_bytes()
    store.add(row(training={"history": [{"epoch": "x"}]}), None)
    with pytest.raises(ResultsError, match="one has values that cannot be shown"):
        zoo.report(store)
    assert (tmp_path / "one" / "report.html").read_bytes() == before
    assert [file.name for file in (tmp_path / "one").iterdir() if "html" in file.name] == ["report.html"]


def test_without_jinja2_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    store = folder(tmp_path / "one", [row()])
    real = builtins.__import__

    def lacking(name, *args, **more):
        if name == "jinja2":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(
        ComponentError,
        match=r'^report.html needs the package Jinja2, which is not installed: pip install "shopzoo\[report\]"$',
    ):
        zoo.report(store)


def test_a_folder_without_facts_says_why_there_are_no_slices(tmp_path):
    text = zoo.report(folder(tmp_path / "one", [row()])).read_text(encoding="utf-8")
    assert "Run the benchmark again with this version: it keeps the finished runs and adds the facts." in text
    assert "1,234" in text


def test_users_can_be_left_out(results, page, tmp_path):
    assert "Lists of 20 users" in page.read_text(encoding="utf-8")
    without = zoo.report(results, out=tmp_path / "a.html", users=False).read_text(encoding="utf-8")
    assert ">Lists of" not in without
    assert "c000" not in without


def test_every_section_of_a_benchmark_is_there(page):
    text = page.read_text(encoding="utf-8")
    for title in (
        "Leaderboard",
        "Intervals",
        "Quality against cost",
        "Learning curves",
        "By slice",
        "Overlap of lists",
        "Data",
        "Models",
    ):
        assert f">{title}</h3>" in text
    assert "net: validation ndcg@10 by epoch" in text or "net: validation" in text
    assert "&#34;predictor&#34;" in text  # the resolved settings


def test_a_model_that_failed_stands_last_with_its_error(tmp_path):
    failed = Row("b", "b", None, {"predictor": {"name": "own/x"}}, error="ValueError: no")
    text = zoo.report(folder(tmp_path / "one", [failed, row()])).read_text(encoding="utf-8")
    board = text[text.index('id="b1-table"') :]
    assert board.index('data-v="a"') < board.index('data-v="b"')
    assert "Failed: b; see the details of the models." in text
    assert "ValueError: no" in text


def test_a_folder_of_the_other_task_and_of_an_earlier_version_has_a_page(tmp_path):
    from pathlib import Path

    for task in ("recommend", "rank"):
        fixture = Path(__file__).parents[1] / "fixtures" / "benchmarks" / task
        text = zoo.report(fixture, out=tmp_path / f"{task}.html").read_text(encoding="utf-8")
        assert "Learning curves" in text
