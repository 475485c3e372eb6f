"""What the checks found is in the manifest, at the top of the report, and told before the first fit."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.check_report import findings_line


class Record(Progress):
    """Remembers the order of the events."""

    def __init__(self):
        self.events = []

    def checked(self, findings):
        self.events.append(("checked", [finding.name for finding in findings]))

    def started(self, label, seed, *, again):
        self.events.append(("started", label))


@pytest.fixture
def config(tmp_path):
    """Return an experiment on 250 users who each have an order of two rows last, on a file without a clock."""
    rng = np.random.default_rng(0)
    orders = np.tile([0, 0, 1, 1, 2, 2], 250) + np.repeat(np.arange(250), 6) * 10
    table = {"user_id": np.repeat(np.arange(250), 6), "item_id": rng.integers(0, 30, 1500), "order_id": orders}
    pq.write_table(pa.table(table), tmp_path / "events.parquet")
    return {
        "data": {"source": {"name": "files", "interactions": str(tmp_path / "events.parquet")}, "time": "file-order"},
        "split": {"policy": "leave-last-out"},
        "evaluate": {"bootstrap": 100, "exclude_seen": False, "metrics": ["ndcg@5"]},
        "model": [{"predictor": "popular"}],
    }


def test_a_finding_is_told_before_the_first_fit_and_stands_in_the_folder(config, tmp_path):
    record = Record()
    store = zoo.bench(config, tmp_path / "out", progress=record)
    assert record.events == [("checked", ["baskets"]), ("started", "popular")]
    (finding,) = json.loads((tmp_path / "out" / "manifest.json").read_text())["findings"]
    assert finding == Store(tmp_path / "out").manifest().findings[0] == store.manifest().findings[0]
    assert (finding["number"], finding["name"], finding["accepted"]) == (2, "baskets", False)
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith(
        "# Benchmark\n\n## Warnings\n\nThe ranking below may be misleading:\n\n- **Check 2 (`baskets`).** The column 'order_id' groups"
    )
    assert "for 250 of 250 (100.0 %) users with test events" in report
    assert 'To change the question: [data] columns = { basket_id = "order_id" }; [split] unit = "basket".' in report
    assert findings_line(store.manifest()) == (
        "The ranking may be misleading, see the top of report.md: check 2 (baskets)."
    )


def test_an_accepted_finding_is_no_warning_and_the_report_states_it(config, tmp_path):
    config["data"]["accept"] = ["baskets", "ties"]
    store = zoo.bench(config, tmp_path / "out")
    report = (tmp_path / "out" / "report.md").read_text()
    assert "## Warnings" not in report
    assert "## Accepted findings\n\n- Check 2 (`baskets`), accepted by `data.accept`: The column 'order_id'" in report
    assert findings_line(store.manifest()) == "Accepted by data.accept: check 2 (baskets)."


def test_accepting_a_finding_is_no_other_task(config, tmp_path):
    first = zoo.bench(config, tmp_path / "out")
    config["data"]["accept"] = ["baskets"]
    again = zoo.bench(config, tmp_path / "out")
    assert again.manifest().task == first.manifest().task
    assert again.manifest().findings[0]["accepted"] is True


def test_the_mended_question_has_no_finding(config, tmp_path):
    config["data"]["columns"] = {"basket_id": "order_id"}
    config["split"] = {"policy": "leave-last-out", "unit": "basket"}
    store = zoo.bench(config, tmp_path / "out")
    assert store.manifest().findings == []
    assert (tmp_path / "out" / "report.md").read_text().startswith("# Benchmark\n\nData: ")
    assert findings_line(store.manifest()) == ""


def test_a_fit_tells_what_the_checks_found(config):
    record = Record()
    zoo.fit(config, progress=record)
    assert record.events == [("checked", ["baskets"]), ("started", "popular")]
