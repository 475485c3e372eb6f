"""The example of a plugin in one file works through the registry, as `--plugin` uses it."""

from pathlib import Path

import numpy as np
import pytest

from zoo.api import Interactions, Queries
from zoo.registry.registry import Registry

FILE = Path(__file__).parents[3] / "examples" / "plugins" / "my_model.py"


@pytest.mark.skipif(not FILE.is_file(), reason="the examples are not part of an installed plugin")
def test_the_example_is_found_and_counts_the_latest_events(fitted):
    component = Registry.discover([FILE]).find("predictor", "recent-popular")
    log = Interactions.from_arrays(np.array([0, 0, 1, 1]), np.array([1, 1, 2, 3]), np.array([1, 2, 9, 5]))
    model = fitted(component.build(component.params({"events": 2})), log)
    assert model.score(Queries.of_histories(log)).tolist() == [[0, 0, 1, 1]] * 2
    assert len(FILE.read_text().splitlines()) <= 60
