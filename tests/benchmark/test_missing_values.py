"""Metrics without a value for some queries: the report and the terminal say how many, and whether the models differ."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.benchmark.result import BenchmarkResult
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.benchmark.tables.missing_values import format_missing_values
from zoo.benchmark.tables.report import markdown
from zoo.cli.terminal_tables import print_results

EXPERIMENT = {
    "data": {"source": {"name": "files"}},
    "split": {"policy": "temporal"},
    "evaluate": {"exclude_seen": True, "target_events": []},
    "train": {"refit": True},
    "model": [],
}
MACHINE = {"processor": "p", "cores": 2, "memory_mib": 1, "threads": 2, "gpu": None, "system": "s"}
DIFFERENT = "the others are not averaged, so means are over different queries: compare with care."
A, B = [0.1, 0.2, np.nan, np.nan, np.nan], [0.2, 0.3, 0.3, np.nan, 0.2]


def stored(folder, **values):
    """Return the results of models without seeds, each given by its values per query."""
    runs = [{"label": label, "seed": None, "key": label} for label in values]
    store = BenchmarkResult(folder)
    store.open(BenchmarkManifest("t", {}, {}, {"kl@10": False}, EXPERIMENT, runs))
    for label, each in values.items():
        mean = None if np.isnan(each).all() else float(np.nanmean(each))
        row = Row(label, label, None, {}, metrics={"kl@10": [mean, None, None]}, queries=5, machine=MACHINE)
        store.add(row, pa.table({"kl@10": pa.array(np.array(each, np.float32))}))
    return store


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": [0.1] * 5, "b": [0.2] * 5}, []),
        ({"a": A, "b": A}, ["kl@10 has a value for 2 of 5 queries; the others are not averaged."]),
        ({"a": A, "b": B}, [f"kl@10 has a value for 2 (a) to 4 (b) of 5 queries; {DIFFERENT}"]),
        ({"a": A, "b": A[::-1]}, [f"kl@10 has a value for 2 of 5 queries, not the same for all models; {DIFFERENT}"]),
        ({"a": [0.1] * 5, "failed": [np.nan] * 5}, []),
    ],
)
def test_a_sentence_says_how_many_queries_have_a_value(tmp_path, values, said):
    assert format_missing_values(stored(tmp_path, **values)) == said


def test_it_stands_wherever_the_marks_do(tmp_path, capsys):
    store = stored(tmp_path, a=A, b=B)
    (said,) = format_missing_values(store)
    assert f"\n- {said}\n" in markdown(store)
    assert said in repr(store)
    assert said in store._repr_html_()
    print_results(store)
    assert said in capsys.readouterr().out
