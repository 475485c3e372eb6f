"""The Python that README and docs show runs as it stands there, page by page, on the built-in shop."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv

import zoo

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/index.md", "docs/how-to/python.md", "docs/reference/python.md"]
ELSEWHERE = {
    "docs/how-to/explain.md": "tests/docs/test_explain_page.py",
    "docs/how-to/tune.md": "tests/docs/test_tune_page.py",
    "docs/how-to/bring-your-own-data.md": "tests/test_python_pages.py",
    "docs/how-to/compare-and-verify.md": "tests/docs/test_compare_page.py",
    "docs/how-to/show-results.md": "tests/docs/test_report_page.py",
    "docs/tutorial/first-model.md": "tests/test_docs.py",
    "docs/reference/hooks.md": "tests/test_docs.py",
    "docs/how-to/write-a-plugin.md": "tests/test_docs.py",
    "docs/how-to/write-a-network.md": "tests/test_docs.py",
    "docs/how-to/write-a-loss.md": "tests/test_author_pages.py",
    "docs/how-to/write-a-metric.md": "tests/test_author_pages.py",
    "docs/how-to/write-a-dataset.md": "tests/test_author_pages.py",
    "docs/how-to/save-state.md": "tests/test_author_pages.py",
    "docs/how-to/declare-capabilities.md": "tests/test_author_pages.py",
    "docs/how-to/read-item-columns.md": "tests/test_author_pages.py",
    "docs/how-to/read-user-columns.md": "tests/test_author_pages.py",
    "docs/how-to/recommend.md": "tests/artifacts/test_docs.py",
    "docs/reference/deprecation.md": "tests/registry/test_newer_names.py",
    "docs/reference/conformance.md": "plugins/mf/tests/test_conformance.py",
}
"""Pages whose code needs a plugin or an experiment, and the tests that use it."""


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def shop_files(tmp_path, monkeypatch):
    """Write the files that the pages name, and enter their folder."""
    monkeypatch.chdir(tmp_path)
    tables = zoo.load("synthetic-shop", customers=60, items=40, events=2000).read()
    orders = tables.interactions.select(["user_id", "item_id", "timestamp"])
    products = tables.items.select(["item_id", "title", "category", "price"])
    n = len(products)
    prices = {
        "sku": products["item_id"],
        "price": pa.array([5.0] * n),
        "in_stock": pa.array([i % 2 == 0 for i in range(n)]),
    }
    csv.write_csv(orders.rename_columns(["customer", "sku", "date"]), "orders.csv")
    csv.write_csv(products.rename_columns(["sku", "title", "category", "price"]), "products.csv")
    csv.write_csv(pa.table(prices), "prices.csv")
    categories = products["category"].to_pylist()
    return [value for value in categories if value]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, shop_files, capsys):
    names = {}
    for block in blocks(page):
        exec(block.replace('"coffee"', repr(shop_files[0])).replace('"tea"', repr(shop_files[1])), names)
    shown = capsys.readouterr().out
    assert "ndcg@10" in shown
    assert isinstance(names["shop"], zoo.Artifact)
    assert zoo.load_artifact(next(Path("artifacts").iterdir())).recommend(history=["p00001"], k=3)


def test_a_file_as_excel_writes_it_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"Jörg {n};sku{n};{n % 28 + 1:02}.12.2024;12,50\n" for n in range(60))
    Path("orders.csv").write_text("customer;sku;date;price\n" + rows, encoding="windows-1252")
    names = {}
    for block in blocks("docs/how-to/bring-your-own-data.md"):
        exec(block, names)
    assert (len(names["log"].log), names["log"].log.clock) == (60, "timestamp")
    assert names["orders"]["price"].unique().tolist() == [12.5]


def test_each_page_with_python_is_run_by_a_test():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    with_code = {str(page.relative_to(ROOT)) for page in pages if blocks(page.relative_to(ROOT))}
    assert with_code == {*PAGES, *ELSEWHERE}
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())
