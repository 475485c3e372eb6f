"""Artifacts that a core of plugin API 1 saved: they load, and recommend what they did then."""

import json
import warnings
from pathlib import Path

import pytest

import zoo
from zoo.artifacts.saving import save_artifact

FIXTURES = Path(__file__).parents[1] / "fixtures" / "artifacts"


def recommended(artifact, users):
    lists = artifact.recommend(list(users), k=4)
    return {
        u: [(r.item_id, pytest.approx(r.score, abs=1e-3)) for r in found] for u, found in zip(users, lists, strict=True)
    }


@pytest.mark.parametrize("name", ["api1-all", "api1-sorters"])
def test_an_artifact_of_api_1_recommends_as_then_and_is_saved_again(name, tmp_path):
    expected = {
        u: [tuple(r) for r in found] for u, found in json.loads((FIXTURES / f"{name}.json").read_text()).items()
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* was saved with ")  # of another version than today's
        artifact = zoo.load_artifact(FIXTURES / name)
        again = zoo.load_artifact(save_artifact(artifact, tmp_path / "again"))
    for one in (artifact, again):
        assert recommended(one, expected) == expected
        assert all(ranker.trained.epochs >= 1 for ranker in one.pipeline.rankers)


def test_what_it_says_of_its_trainings_is_read():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* was saved with ")
        pipeline = zoo.load_artifact(FIXTURES / "api1-all").pipeline
    state = json.loads((FIXTURES / "api1-all" / "state.json").read_text())
    for name, stage in (("predictor", pipeline.predictor), ("featurizer-1", pipeline.featurizers[0]),
                        ("ranker-1", pipeline.rankers[0]), ("ranker-2", pipeline.rankers[1])):  # fmt: skip
        assert stage.trained.epochs == state[name]["epochs"]
        assert stage.trained.history == state[name]["history"]
