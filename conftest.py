"""Settings of every test run, and fixtures that `tests/` and `plugins/` share.

The number of threads is set before torch is imported, so that `make test`, `make slow` and a bare `pytest` compute alike;
subprocesses inherit it. One hypothesis profile serves all property tests: the same
examples in each run, or random ones with `ZOO_HYPOTHESIS=random`.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Tests run side by side, one a core, each with one thread: torch's own threads would compete for the cores.
THREADS = os.environ.get("ZOO_TEST_THREADS", "1")
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), THREADS))

# A test on a slow machine is slow, not wrong: no property test is held to a time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("zoo", derandomize=True, **PATIENT)
settings.register_profile("zoo-random", print_blob=True, **PATIENT)
settings.load_profile("zoo-random" if os.environ.get("ZOO_HYPOTHESIS") == "random" else "zoo")

NO_DATA, NO_BROWSER = "no real data", "no browser"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real data sets: `ZOO_DATA`, or `shared/data` beside the project; skip where neither exists."""
    places = [Path(__file__).parents[1] / "shared" / "data"]
    if os.environ.get("ZOO_DATA"):
        places.insert(0, Path(os.environ["ZOO_DATA"]).absolute())
    for folder in places:
        if folder.is_dir():
            return folder
    pytest.skip(f"{NO_DATA} in {' or '.join(map(str, places))}: set ZOO_DATA")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped because the real data or a browser are absent."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())]
    for reason, remedy in (
        (NO_DATA, "tests need the real data sets: set ZOO_DATA"),
        (NO_BROWSER, "tests or files of tests need a browser: make browser"),
    ):
        if skipped := sum(reason in text for text in reasons):
            terminalreporter.write_line(f"{skipped} of the skipped {remedy}", yellow=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask what a trained network has learned; `make portable` runs them over seeds and machines."""
    for item in items:
        if "assert_learned" in getattr(item, "fixturenames", ()):
            item.add_marker("convergence")


@pytest.fixture(scope="session", autouse=True)
def no_references() -> Iterator[None]:
    """Compare only the models of a test: no benchmark in this process adds reference rows, as with `references = false`.

    A test of the reference rows restores them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.benchmark.references.REFERENCES", ())
        yield


@pytest.fixture(scope="session", autouse=True)
def few_single_queries() -> Iterator[None]:
    """Time 10 queries one by one in place of 200: that took half of a small benchmark, and no test depends on a speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.benchmark.recommend.SINGLE_QUERIES", 10)
        patch.setattr("zoo.benchmark.rank.SINGLE_LISTS", 10)
        yield


@pytest.fixture(scope="session")
def training_seed() -> int:
    """Return the seed of what a convergence test trains: `ZOO_TEST_SEED`, 0 by default."""
    return int(os.environ.get("ZOO_TEST_SEED", "0"))


@pytest.fixture
def assert_learned(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that holds a measured value to its bounds.

    It appends the value to the file that `ZOO_RECORD` names, with the margin: how far the value is from the nearer bound.
    """

    def check(value: Any, *, above: float = -float("inf"), below: float = float("inf"), of: str = "") -> None:
        value = float(value)
        if file := os.environ.get("ZOO_RECORD"):
            line = {"test": request.node.nodeid, "of": of, "value": value, "margin": min(value - above, below - value)}
            with open(file, "a", encoding="utf-8") as records:
                records.write(json.dumps(line) + "\n")
        assert above < value < below, f"{of or 'measured'}: {value}"

    return check
