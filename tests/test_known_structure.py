"""The log of `tests/speed/structure.py`: its events follow the probabilities, and no list is better than the one by probability."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SPEED = Path(__file__).parent / "speed"


@pytest.fixture(scope="module")
def structure():
    spec = importlib.util.spec_from_file_location("structure_of_speed", SPEED / "structure.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def chances(known, module, taste):
    """Return the probability of each item for a user who has taken none, `[I + 1]`, item by item."""
    found = np.zeros(len(known.order) + 1)
    for place, item in enumerate(known.order):
        cluster = int(np.flatnonzero(known.starts[1:] > place)[0])
        share = sum(s for s, c in zip(module.SHARES, taste, strict=True) if c == cluster)
        found[item] = known.within[place] * (
            module.IN_CLUSTERS * share + (1 - module.IN_CLUSTERS) * known.cluster[cluster]
        )
    return found


def test_the_best_list_is_that_of_the_probabilities(structure):
    known, users, items, taste = structure.generate(450, 50)
    assert np.diff(known.starts).tolist() == [100, 100, 100, 150]
    for user in range(50):
        chance, seen = chances(known, structure, taste[user]), items[users == user][:-1]
        assert chance.sum() == pytest.approx(1)
        chance[seen] = -1
        best = known.best(taste[user], seen, 10)
        assert chance[best] == pytest.approx(np.sort(chance)[::-1][:10])
        assert not np.isin(best, seen).any()


def test_first_events_follow_the_probabilities(structure):
    rng = np.random.default_rng(1)
    known = structure.Structure.of(200, rng)
    users, items, taste = known.draw(40_000, rng)
    first = items[np.append(0, np.flatnonzero(np.diff(users)) + 1)]
    expected = sum(
        chances(known, structure, t) * n for t, n in zip(*np.unique(taste, axis=0, return_counts=True), strict=True)
    )
    counts = np.bincount(first, minlength=201)[1:]
    chi_squared = ((counts - expected[1:]) ** 2 / expected[1:]).sum()
    assert chi_squared < 199 + 5 * np.sqrt(2 * 199)


def test_a_user_takes_an_item_once_and_titles_name_the_cluster(structure):
    known, users, items, _ = structure.generate(300, 200)
    assert len(np.unique(np.stack([users, items]), axis=1).T) == len(users)
    lengths = np.bincount(users)
    assert lengths.min() > 1
    assert lengths.max() <= structure.LENGTHS[1] + 1
    titles = known.titles(np.random.default_rng(0)).to_pylist()
    assert titles[0] is None
    assert {titles[item].split()[0] for item in known.order[:100]} == {"theme0"}


def test_the_command_prints_bounds_and_a_line_for_each_model():
    command = [sys.executable, SPEED / "catalogue.py", "500", "--models", "popular", "item-knn"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    bounds, popular, knn = map(json.loads, done.stdout.splitlines())
    assert bounds["ndcg_popular"] < bounds["ndcg_best"]
    assert popular["ndcg"] < knn["ndcg"]
    assert knn["peak_gib"] > 0
