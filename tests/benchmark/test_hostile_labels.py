"""Labels and texts from files cannot forge a report: they are no markup in Markdown, and command no terminal."""

import io

import pytest
from rich.console import Console

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.report import markdown
from zoo.cli import terminal_tables

FORGED = "a | 0.9 |\n| **b** | 0.9999 | <script>x</script> \x1b[2J"
EXPERIMENT = {
    "data": {"source": {"name": "shopzoo/files", "interactions": ["<b>x\n# Winner"], "format": None}},
    "split": {"policy": "leave-last-out"},
    "evaluate": {"exclude_seen": ["buy\n\n# Winner"], "target_events": None},
    "train": {"refit": False},
    "model": [{"label": FORGED, "predictor": {"name": "own/x"}, "featurizers": [], "filters": [], "rankers": []}],
}
MACHINE = {"processor": "p\n# Winner", "cores": 2, "memory_mib": 1, "threads": 2, "gpu": None, "system": "s"}


@pytest.fixture
def store(tmp_path):
    """Return a folder as somebody else may have written it: labels of experiments of today are checked."""
    store = Store(tmp_path)
    runs = [{"label": FORGED, "seed": None, "key": "k"}, {"label": f"{FORGED} 2", "seed": None, "key": "f"}]
    notes = {"dropped <i>events</i>": "\n# Winner"}
    store.open(BenchmarkManifest("t", {}, notes, {"ndcg@10": True}, EXPERIMENT, runs))
    metrics = {"ndcg@10": [0.5, 0.4, 0.6]}
    store.add(Row("k", FORGED, None, {}, metrics=metrics, queries=4, tied_edges=0.5, filled=0.5, machine=MACHINE), None)
    store.add(Row("f", FORGED, None, {}, error="ValueError: <img>\n# Winner", machine=MACHINE), None)
    return store


def test_a_label_stays_in_its_cell(store):
    report = markdown(store)
    lines = report.splitlines()
    table = lines[lines.index("| model | ndcg@10 | fit s | queries/s | p50 ms | p99 ms | peak MiB |") :]
    cells = [cell.strip() for cell in table[2].replace("\\|", "").split("|")]
    assert len(cells) == 9
    assert cells[1] == "a  0.9 \\\\n \\*\\*b\\*\\*  0.9999  &lt;script&gt;x&lt;/script&gt; \\\\x1b\\[2J"
    assert not [line for line in lines if line.startswith("# ") and line != "# Benchmark"]
    assert not any(sign in report for sign in ("<script", "<b>", "<i>", "<img", "\x1b"))


def test_a_terminal_shows_control_characters_as_escapes(store, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(terminal_tables, "console", lambda: Console(file=shown, width=300, highlight=False))
    terminal_tables.print_results(store)
    assert "\x1b" not in shown.getvalue()
    assert "\\x1b[2J" in shown.getvalue()
    assert not any(line.startswith("# Winner") for line in shown.getvalue().splitlines())
