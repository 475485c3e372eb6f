"""The folder of a benchmark: whole files or none, one task, and rows that belong to the experiment."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.errors import ConfigError, ResultsError


def manifest(task="t1", keys=("a", "b"), **description):
    runs = [{"label": key, "seed": None, "key": key} for key in keys]
    return BenchmarkManifest(task, {"data": "d1", **description}, {"events": 3}, {}, {}, runs)


def row(key, **values):
    return Row(key, key, None, {}, **values)


def lists():
    return pa.table({"user_id": ["u"], "items": [["x", "y"]], "ndcg@10": pa.array([0.5], pa.float32())})


def test_a_finished_run_is_found_again_and_a_failed_one_is_not(tmp_path):
    store = Store(tmp_path / "out")
    store.open(manifest())
    store.add(row("a", queries=7), lists())
    store.add(row("b", error="ValueError: no"), None)
    again = Store(tmp_path / "out")
    again.open(manifest())
    assert again.finished("a").queries == 7
    assert again.finished("b") is None
    assert [r.key for r in again.rows()] == ["a", "b"]
    assert again.lists(again.rows()[0]).to_pylist() == lists().to_pylist()


def test_rows_of_models_that_the_experiment_no_longer_has_are_left_out(tmp_path):
    store = Store(tmp_path)
    store.open(manifest(keys=("a", "b")))
    store.add(row("a"), lists())
    store.add(row("b"), lists())
    store.open(manifest(keys=("c", "b")))
    assert [r.key for r in store.rows()] == ["b"]


def test_runs_that_were_replaced_are_known_by_label_and_seed(tmp_path):
    store = Store(tmp_path)
    store.open(manifest(keys=("a", "b")))
    store.add(row("a"), lists())
    store.add(row("b"), lists())
    (tmp_path / "runs" / "older.json").write_text('{"label": "older", "seed": 1, "a field of then": 2}')
    (tmp_path / "runs" / "damaged.json").write_text("{")
    store.open(manifest(keys=("c", "b")))
    assert set(store.replaced()) == {("a", None), ("older", 1)}


def test_a_run_is_called_what_the_experiment_calls_it(tmp_path):
    store = Store(tmp_path)
    store.open(manifest(keys=("a",)))
    store.add(row("a"), lists())
    runs = [{"label": label, "seed": None, "key": "a"} for label in ("new", "twin")]
    store.open(BenchmarkManifest("t1", {"data": "d1"}, {}, {}, {}, runs))
    assert [r.label for r in store.rows()] == ["new", "twin"]
    store.compose(lambda s: "")
    assert pa.parquet.read_table(tmp_path / "lists.parquet")["model"].to_pylist() == ["new", "twin"]


def test_lists_of_models_that_the_experiment_no_longer_has_are_gone(tmp_path):
    store = Store(tmp_path)
    store.open(manifest(keys=("a",)))
    store.add(row("a"), lists())
    store.compose(lambda s: "")
    store.open(manifest(keys=("b",)))
    store.add(row("b", error="ValueError: no"), None)
    store.compose(lambda s: "")
    assert not (tmp_path / "lists.parquet").exists()


def test_a_folder_whose_first_write_was_cut_short_can_be_used(tmp_path):
    (tmp_path / ".manifest.json.123").write_text("{")
    Store(tmp_path).open(manifest())
    assert Store(tmp_path).manifest().task == "t1"


def test_a_damaged_row_is_named(tmp_path):
    store = Store(tmp_path)
    store.open(manifest())
    store.add(row("a"), lists())
    (tmp_path / "runs" / "a.json").write_text('{"key": ')
    with pytest.raises(ResultsError, match=r"a\.json cannot be read: .*Remove the file"):
        store.finished("a")


DEEP = "[" * 100_000
WHOLE_ROW = {"key": "a", "label": "a", "seed": None, "model": {}}


@pytest.mark.parametrize(("content", "problem"), [
    ("[]", "it holds a list, expected a table"),
    (DEEP, "its values are nested too deeply"),
    ('{"key": "a"}', "label: field required"),
    (json.dumps({**WHOLE_ROW, "queries": "many"}), "queries: input should be a valid integer.*"),
    (json.dumps({**WHOLE_ROW, "metrics": {"hit@10": 1}}), "metrics.hit@10: input should be a valid list"),
    (json.dumps({**WHOLE_ROW, "later": 1}), "later: unexpected keyword argument"),
], ids=["list", "deep", "missing", "text", "metric", "unknown"])  # fmt: skip
def test_a_row_with_other_content_is_named(tmp_path, content, problem):
    store = Store(tmp_path)
    store.open(manifest())
    store.add(row("a"), lists())
    path = tmp_path / "runs" / "a.json"
    path.write_text(content)
    with pytest.raises(ResultsError) as error:
        store.finished("a")
    expected = f"{re.escape(str(path))} cannot be read: {problem}. Remove the file to repeat its run."
    assert re.fullmatch(expected, str(error.value))


@pytest.mark.parametrize(("content", "problem"), [
    ("[]", "it holds a list, expected a table"),
    (DEEP, "its values are nested too deeply"),
    ('{"format": 1}', "task: field required"),
    ({"runs": [{"label": "a"}]}, "runs.0: a run needs a label and a key"),
    ({"runs": [{"label": "a", "key": "a", "seed": "0"}]}, "runs.0: a run needs a seed, or null"),
    ({"description": 3}, "description: input should be a valid dictionary"),
], ids=["list", "deep", "missing", "run", "seed", "description"])  # fmt: skip
def test_a_manifest_with_other_content_is_named(tmp_path, content, problem):
    store, path = Store(tmp_path), tmp_path / "manifest.json"
    store.open(manifest())
    path.write_text(content if isinstance(content, str) else json.dumps({**json.loads(path.read_text()), **content}))
    for read in (store.manifest, store.rows, lambda: store.open(manifest())):
        with pytest.raises(ResultsError) as error:
            read()
        assert (
            str(error.value) == f"{path} cannot be read: {problem}. Move the folder away and run the benchmark again."
        )


@pytest.mark.parametrize(
    "content", ["[]", DEEP, '{"label": [], "seed": 1}', '{"label": "a", "seed": {}, "machine": 3}']
)
def test_optional_information_of_a_damaged_run_is_left_out(tmp_path, content):
    store = Store(tmp_path)
    store.open(manifest())
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "older.json").write_text(content)
    (tmp_path / "runs" / "b.json").write_text('{"label": "b", "seed": 1, "machine": 3}')
    assert store.replaced() == {}
    assert store.thread_counts() == set()


def test_another_tasks_folder_is_refused_and_the_difference_named(tmp_path):
    store = Store(tmp_path)
    store.open(manifest(task="t1", split="temporal"))
    with pytest.raises(
        ResultsError,
        match=r"results of another task \(t1, this one is t2\): they differ in split.*Choose another folder",
    ):
        store.open(manifest(task="t2", split="leave-last-out"))
    assert store.manifest().task == "t1"


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(ResultsError, match="is not a benchmark folder"):
        Store(tmp_path).open(manifest())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_report_of_nothing_says_how_to_make_one(tmp_path):
    with pytest.raises(ResultsError, match=r"holds no results.*zoo bench FILE"):
        Store(tmp_path).manifest()


def test_a_folder_of_another_format_is_refused(tmp_path):
    store = Store(tmp_path)
    store.open(manifest())
    raw = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**raw, "format": 99}))
    with pytest.raises(ResultsError, match="has format 99, this version reads 1"):
        store.manifest()


def test_what_is_put_together_holds_every_run(tmp_path):
    store = Store(tmp_path)
    store.open(manifest())
    store.add(row("a"), lists())
    store.add(row("b"), lists().append_column("hit@10", pa.array([1.0], pa.float32())))
    store.compose(lambda s: f"{len(s.rows())} rows\n")
    assert (tmp_path / "report.md").read_text() == "2 rows\n"
    assert [json.loads(line)["key"] for line in (tmp_path / "results.jsonl").read_text().splitlines()] == ["a", "b"]
    table = pa.parquet.read_table(tmp_path / "lists.parquet")
    assert table["model"].to_pylist() == ["a", "b"]
    assert table["hit@10"].to_pylist() == [None, 1.0]


def test_a_full_disk_leaves_nothing_half_written_and_says_so(tmp_path):
    """A limit on the size of files stands in for the disk: the kernel refuses the write in the same way."""
    code = textwrap.dedent("""
        import resource, signal, sys
        import pyarrow as pa
        from zoo.benchmark.results_folder.row import Row
        from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
        from zoo.errors import ResultsError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = Store(sys.argv[1])
        store.open(BenchmarkManifest("t", {}, {}, {}, {}, [{"label": "a", "seed": None, "key": "a"}, {"label": "b", "seed": None, "key": "b"}]))
        store.add(Row("a", "a", None, {}), pa.table({"x": [1]}))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        import numpy as np
        try:
            store.add(Row("b", "b", None, {}), pa.table({"x": np.random.default_rng(0).random(100_000)}))
        except ResultsError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "b.parquet cannot be written" in done.stdout
    assert "Finished runs are kept" in done.stdout
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["a.json", "a.parquet"]


def test_a_report_that_read_older_runs_than_a_benchmark_wrote_is_written_again(tmp_path):
    store = Store(tmp_path)
    store.open(manifest())
    store.add(row("a"), lists())
    texts = []

    def report(read):
        text = ", ".join(r.key for r in read.rows())
        if not texts:  # a benchmark finishes its last run and writes its files between reading and writing
            store.add(row("b"), lists())
            Store(tmp_path).compose(lambda other: ", ".join(r.key for r in other.rows()))
        texts.append(text)
        return text

    store.compose(report)
    assert texts == ["a", "a, b"]
    assert (tmp_path / "report.md").read_text() == "a, b"
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2
    assert set(pa.parquet.read_table(tmp_path / "lists.parquet")["model"].to_pylist()) == {"a", "b"}


def test_a_row_under_the_name_of_another_is_refused(tmp_path):
    store, path = Store(tmp_path), tmp_path / "runs" / "a.json"
    store.open(manifest())
    store.add(row("b"), None)
    (tmp_path / "runs" / "b.json").rename(path)
    with pytest.raises(ResultsError) as error:
        store.finished("a")
    assert str(error.value) == (
        f"{path} cannot be read: key: expected 'a', the name of the file, found 'b'. Remove the file to repeat its run."
    )


def test_a_key_that_leads_out_of_the_folder_is_refused(tmp_path):
    store = Store(tmp_path)
    store.open(manifest())
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**content, "runs": [{"label": "a", "key": "../../x"}]}))
    with pytest.raises(ResultsError, match=r"runs\.0: expected a key of letters and digits, found '\.\./\.\./x'"):
        store.rows()


def test_damaged_lists_are_named(tmp_path):
    store, path = Store(tmp_path), tmp_path / "runs" / "a.parquet"
    store.open(manifest())
    store.add(row("a"), None)
    path.write_bytes(b"PAR1")
    with pytest.raises(ResultsError) as error:
        store.lists(row("a"))
    assert str(error.value).startswith(f"{path} cannot be read: ")
    assert str(error.value).endswith("Move it and a.json away to repeat its run.")


@pytest.mark.parametrize(
    ("error", "shown"), [(KeyError("split"), "KeyError: 'split'"), (ConfigError("task: no"), "ConfigError: task: no")]
)
def test_a_value_that_cannot_be_shown_names_the_folder(tmp_path, error, shown):
    with pytest.raises(ResultsError) as refused, refusing_damage(tmp_path):
        raise error
    assert str(refused.value) == (
        f"{tmp_path} has values that cannot be shown ({shown}). If a file in it was changed, or is of another version, move the folder "
        "away and run the benchmark again, which measures anew. If not, this is a bug: report it with the traceback, which "
        "ZOO_TRACEBACK=1 shows (--traceback on the command line)."
    )


@pytest.mark.parametrize("error", [MemoryError("1"), pa.ArrowMemoryError("2"), pa.ArrowCancelled("3")])
def test_what_says_nothing_about_a_folder_is_no_damage(tmp_path, monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("pyarrow.parquet.read_table", fails)
    store = Store(tmp_path)
    store.open(manifest())
    store.add(row("a"), lists())
    with pytest.raises(type(error), match=str(error)), refusing_damage(tmp_path):
        store.lists(row("a"))


def test_lists_are_written_again_only_if_a_run_has_changed(tmp_path):
    store, path = Store(tmp_path), tmp_path / "lists.parquet"
    store.open(manifest())
    store.add(row("a"), lists())
    store.compose(lambda s: "")
    written = path.stat().st_mtime_ns
    store.compose(lambda s: "")
    assert path.stat().st_mtime_ns == written
    store.add(row("b"), lists())
    for file in (tmp_path / "runs").glob("b.*"):
        os.utime(file, (1, 1))  # older than the lists, as those of another process can be
    store.compose(lambda s: "")
    assert pa.parquet.read_table(path)["model"].to_pylist() == ["a", "b"]


def test_lists_that_something_else_changed_are_written_again(tmp_path):
    store, path = Store(tmp_path), tmp_path / "lists.parquet"
    store.open(manifest())
    store.add(row("a"), lists())
    store.compose(lambda s: "")
    whole = path.read_bytes()
    path.write_bytes(b"something else")
    later = path.stat().st_mtime + 10
    os.utime(path, (later, later))
    store.compose(lambda s: "")
    assert path.read_bytes() == whole
