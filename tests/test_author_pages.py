"""The code on the pages for authors works, and is that of the examples."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from zoo.api import EvaluatedLists, Facts, ItemColumns, Tables
from zoo.data.queries import Targets
from zoo.testing import conformance

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/how-to/write-a-plugin.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def early_share(tmp_path, monkeypatch):
    """Return the module of the metric of the page."""
    (block,) = [block for block in blocks() if block.startswith("# early_share.py\n")]
    (tmp_path / "early_share.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("early_share")
    sys.modules.pop("early_share", None)


def test_the_metric_of_the_page_passes_the_checks_and_counts_the_first_half(early_share):
    results = {str(case): case.result() for case in conformance(early_share)}
    assert {name: r.detail for name, r in results.items() if r.outcome == "failed"} == {}
    import numpy as np

    items = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 4]])
    targets = Targets(np.array([0, 2, 3]), np.array([1, 4, 9], np.int32), np.zeros(3, bool))
    metric = early_share.EarlyShare(early_share.CutoffParams(k=4))
    lists = EvaluatedLists.of(items, targets, 4)
    values = metric.values(lists, Facts(torch.ones(10), torch.ones(10, dtype=torch.bool)))
    assert values.nan_to_num(-1).tolist() == [0.5, -1]


def test_the_dataset_of_the_page_is_that_of_the_examples():
    (block,) = [block for block in blocks() if block.startswith("class SqliteOrdersParams")]
    source = (ROOT / "examples/plugins/sqlite_orders.py").read_text(encoding="utf-8")
    assert all(line in source for line in block.splitlines())


def test_the_page_names_every_field_of_the_tables_and_every_method_of_the_columns():
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition("## A dataset")[2].partition("\n## ")[0]
    assert all(f"`{name}`" in section for name in Tables.__dataclass_fields__)
    section = text.partition("## Item columns")[2].partition("\n## ")[0]
    methods = [name for name in vars(ItemColumns) if not name.startswith("_") and name not in ("of", "catalogue")]
    assert all(f"`{name}(" in section for name in methods)
    for name in ("title", "needs", "higher_is_better", "values", "chance"):
        assert f"**`{name}" in text.partition("## A metric")[2]
