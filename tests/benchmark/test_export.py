"""What is kept of a benchmark beside the code."""

import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.export import data_name, export, read_runs, run_name
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.errors import ResultsError

SOURCE = {"name": "shopzoo/files", "interactions": ["/somewhere/data/amazon-beauty/interactions.parquet"], "items": []}


def stored(folder, *runs, refit=True):
    """Return a store of runs, each given by label, seed and error."""
    experiment = {
        "data": {"source": SOURCE, "time": "position"},
        "split": {"policy": "leave-last-out"},
        "evaluate": {"metrics": []},
        "train": {"refit": refit},
        "model": [],
    }
    described = {"data": "f00d", "events": 30, "users": 5, "items": 7, "split": {}}
    listed = [{"label": label, "seed": seed, "key": f"k{i}"} for i, (label, seed, _) in enumerate(runs)]
    store = Store(folder)
    store.open(BenchmarkManifest("t", described, {"ties": 3}, {"hit@1": True}, experiment, listed))
    for i, (label, seed, error) in enumerate(runs):
        row = Row(
            f"k{i}", label, seed, {"predictor": {"name": "net", "dim": 8}}, error=error, metrics={"hit@1": [0.5, 0.4, 0.6]},
            training={"epochs": 3, "seconds": 9.0, "history": [{"epoch": 3, "value": 0.5}]}, machine={"threads": 2},
            versions={"torch": "2"},
        )  # fmt: skip
        store.add(row, None if error else pa.table({"hit@1": [0.5]}))
    return store


def test_a_line_has_all_that_a_reader_may_ask_for_and_no_path_of_a_machine(tmp_path):
    store = stored(tmp_path / "out", ("My Net", 3, None), ("ease", None, None), ("nan", 0, "TrainingError: no"))
    file = export(store, tmp_path / "kept")
    assert file == tmp_path / "kept" / "amazon-beauty.jsonl"
    assert list((tmp_path / "kept").iterdir()) == [file]
    assert "/somewhere" not in file.read_text(encoding="utf-8")
    assert [run_name(run) for run in read_runs(file)] == ["ease-refit", "my-net-refit-seed-3"]
    found = read_runs(file)[1]
    assert found["data"] == {"name": "amazon-beauty", "events": 30, "users": 5, "items": 7}
    assert found["config"]["data"]["source"]["interactions"] == ["amazon-beauty/interactions.parquet"]
    assert found["config"]["data"]["time"] == "position"
    assert found["config"]["model"] == {"predictor": {"name": "net", "dim": 8}}
    assert (found["label"], found["seed"], found["task"], found["key"]) == ("My Net", 3, "t", "k0")
    assert found["metrics"] == {"hit@1": [0.5, 0.4, 0.6]}
    assert found["training"]["history"] == [{"epoch": 3, "value": 0.5}]
    assert (found["machine"], found["versions"]) == ({"threads": 2}, {"torch": "2"})


def test_a_run_of_the_same_name_is_replaced_and_the_others_stay(tmp_path):
    export(stored(tmp_path / "a", ("net", 0, None), ("ease\u2028", None, None)), tmp_path / "kept")
    file = export(stored(tmp_path / "b", ("net", 0, None), refit=False), tmp_path / "kept")
    assert [run_name(run) for run in read_runs(file)] == ["ease-refit", "net-no-refit-seed-0", "net-refit-seed-0"]
    before = file.read_text(encoding="utf-8")
    assert export(stored(tmp_path / "c", ("net", 0, None), refit=False), tmp_path / "kept") == file
    assert file.read_text(encoding="utf-8") == before


def test_without_a_finished_run_nothing_is_written(tmp_path):
    assert export(stored(tmp_path / "out", ("nan", 0, "TrainingError: no")), tmp_path / "kept") is None
    assert not (tmp_path / "kept").exists()


def test_two_runs_of_the_same_name_are_refused(tmp_path):
    with pytest.raises(
        ResultsError, match=r"net\(a\): another run of .* has the name net-a-refit-seed-0\. Give it another label\."
    ):
        export(stored(tmp_path / "out", ("net-a", 0, None), ("net(a)", 0, None)), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"label": "net"}'])
def test_a_line_that_is_no_run_is_told(tmp_path, line):
    (tmp_path / "amazon-beauty.jsonl").write_text(f"{line}\n")
    with pytest.raises(
        ResultsError, match=r"beauty\.jsonl:1 is not a run that `zoo report --keep` has written\. Remove the"
    ):
        export(stored(tmp_path / "out", ("net", 0, None)), tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(ResultsError, match=r"kept cannot be written: File exists\. Choose another folder\."):
        export(stored(tmp_path / "out", ("net", 0, None)), tmp_path / "kept")


@pytest.mark.parametrize(("source", "name"), [
    (SOURCE, "amazon-beauty"),
    ({"name": "shopzoo/files", "interactions": ["events.csv"]}, "files"),
    ({"name": "shopzoo/hub", "dataset": "owner/shop"}, "shop"),
    ({"name": "shopzoo/synthetic-shop", "customers": 9}, "synthetic-shop"),
])  # fmt: skip
def test_data_are_called_by_the_folder_of_their_file_or_by_their_source(source, name):
    assert data_name(source) == name
