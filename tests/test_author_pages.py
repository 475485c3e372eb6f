"""The code on the pages for authors works, and is that of the examples."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import pytest
import torch

from zoo.api import (
    DataSize,
    EvaluatedLists,
    Facts,
    Fitted,
    NeuralParams,
    NeuralPredictor,
    Params,
    Tables,
)
from zoo.data.queries import Targets
from zoo.stages.column_tensors import ColumnTensors
from zoo.testing import conformance

ROOT = Path(__file__).parents[1]
HOW_TO = ROOT / "docs/how-to"


def blocks(page):
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def early_share(tmp_path, monkeypatch):
    """Return the module of the metric of the page."""
    (block,) = blocks("write-a-metric.md")
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
    *_, block = blocks("write-a-dataset.md")
    source = (ROOT / "examples/plugins/sqlite_orders.py").read_text(encoding="utf-8")
    assert all(line in source for line in block.splitlines())


def test_the_loss_of_the_page_is_that_of_the_examples():
    from_page = {}
    exec(block := blocks("write-a-loss.md")[0], from_page)
    example = (ROOT / "examples/plugins/hinge_loss.py").read_text(encoding="utf-8")
    body = [line for line in block.partition("def hinge")[2].partition("@hookimpl")[0].splitlines()[1:] if line]
    assert body
    assert all(line in example for line in body)
    assert [spec.name for spec in from_page["zoo_losses"]()] == ["hinge"]


def test_the_loss_of_one_model_is_used_by_it():
    names = {"NeuralParams": NeuralParams, "NeuralPredictor": NeuralPredictor, "Literal": Literal}
    exec(blocks("write-a-loss.md")[1], names)
    assert names["SquaredParams"]().loss == "own"


def test_the_memory_of_the_page_is_that_of_a_matrix():
    names = {"Params": Params}
    exec(blocks("declare-capabilities.md")[1], names)
    assert names["AllPairsParams"]().fit_memory(DataSize(users=1, items=1000, events=1)) == 4_000_000


def test_the_forms_of_the_page_are_forms():
    names = {"Fitted": Fitted, "Annotated": Annotated}
    exec(blocks("save-state.md")[0], names)
    assert isinstance(names["fitted"], Fitted)


def test_the_pages_name_every_field_of_the_tables_and_every_method_of_the_columns():
    text = (HOW_TO / "write-a-dataset.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in Tables.__dataclass_fields__)
    methods = [name for name, value in vars(ColumnTensors).items() if callable(value) and not name.startswith("_")]
    assert methods == ["numbers", "codes", "shares"]
    for page in ("read-item-columns.md", "read-user-columns.md"):
        text = (HOW_TO / page).read_text(encoding="utf-8")
        assert all(f"`{name}(" in text for name in methods)
    text = (HOW_TO / "write-a-metric.md").read_text(encoding="utf-8")
    for name in ("title", "needs", "higher_is_better", "values", "chance"):
        assert f"**`{name}" in text
