"""Run the notebooks of `docs/notebooks`, each in a folder of its own. Prints the seconds of each; an error ends the run.

python tests/notebooks.py [NOTEBOOK ...]     all by default
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"


def main(files: list[Path]) -> None:
    """Run the notebooks."""
    for file in files:
        start = time.perf_counter()
        with TemporaryDirectory() as folder:
            notebook = nbformat.read(file, as_version=4)
            NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
        sys.stdout.write(f"{file.name}: {time.perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")))
