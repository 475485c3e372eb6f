"""The notebooks are valid, hold no outputs, and import the public modules only. `make notebooks` runs them."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
PUBLIC = {"zoo", "zoo.api", "zoo.nn", "zoo.testing"}


def cells(notebook):
    """Return the code cells of a notebook."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def python(cell):
    """Return the Python of a cell: without lines for the shell, and without the name of a file to write."""
    return "".join(line for line in cell["source"] if not line.startswith(("!", "%%writefile ")))


def imported(source):
    """Return the modules of the zoo that a source imports."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.partition(".")[0] == "zoo")


def test_there_are_notebooks():
    assert {file.stem for file in NOTEBOOKS} >= {"first-benchmark", "own-data", "publish-a-model"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_imports_the_public_modules_only(notebook):
    modules = [module for cell in cells(notebook) for module in imported(python(cell))]
    assert "zoo" in modules
    assert set(modules) <= PUBLIC


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stored_without_outputs(notebook):
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells(notebook)] == [([], None)] * len(
        cells(notebook)
    )
