"""Every component of this repository, saved here and loaded in a fresh process: its scores are equal to the last bit."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.saving import save_artifact
from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.config.train import NetworkSettings
from zoo.data.queries import Queries
from zoo.data.task import load_task
from zoo.pipeline import Pipeline, Rules
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext

ROOT = Path(__file__).parents[2]
OURS = {"shopzoo", *(f"shopzoo-{path.name}" for path in (ROOT / "plugins").iterdir())}

ASK = """
import hashlib, json, sys
from pathlib import Path
from zoo import load_artifact
from zoo.data.queries import Queries
from zoo.pipeline import Rules

found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    a = load_artifact(folder)
    lists = a.pipeline.recommend(Queries.of_histories(a.histories), len(a.catalogue) - 1, Rules(a.rules.eligible, False))
    found[folder.name] = [hashlib.sha256(t.numpy().tobytes()).hexdigest() for t in (lists.items, lists.scores)]
print(json.dumps(found))
"""


def fingerprint(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def chosen(stage, name):
    component = default_registry().find(stage, name)
    return Chosen(component, component.params(dict(component.spec.tiny)))


def model_with(component):
    """Return a model in which a component takes part, with its tiny parameters."""
    stage, tiny = component.spec.stage, chosen(component.spec.stage, component.qualified_name)
    label = f"{stage}-{component.name}"
    features = (chosen("featurizer", "tf-idf"),)
    wanted = tiny.capabilities.features != "none"
    settings = NetworkSettings(max_epochs=1)
    if stage == "predictor":
        return ResolvedModel(label, tiny, features if wanted else (), train=settings)
    if stage == "featurizer":
        return ResolvedModel(label, chosen("predictor", "content-knn"), (tiny,))
    popular = chosen("predictor", "popular")
    if stage == "filter":
        return ResolvedModel(label, popular, features if wanted else (), (tiny,))
    return ResolvedModel(label, popular, features if wanted else (), (), (tiny,), train=settings)


@pytest.fixture(scope="module")
def ours():
    stages = ("predictor", "featurizer", "filter", "ranker")
    found = [c for stage in stages for c in default_registry().components(stage)]
    return [c for c in found if c.plugin.distribution in OURS and not needs_more(c)]


def needs_more(component):
    """Return whether a component says that its tiny parameters are not enough to be fitted: it needs a model in a folder."""
    return f"{component.spec.stage}.fits" in component.spec.expected_failures


@pytest.mark.robust
def test_scores_after_loading_are_those_before_saving_to_the_last_bit(experiment, ours, tmp_path):
    task = load_task(experiment(split={"policy": "temporal", "cuts": [0.5, 0.6, 0.8]}))
    every = Rules(task.eligible, exclude_seen=False)
    lists, models = {}, [model_with(component) for component in ours]
    assert len(models) > 25
    for model in models:
        pipeline = Pipeline(model).fit(task, RunContext(seed=1))
        artifact = Artifact.of(pipeline, task)
        queries = Queries.of_histories(artifact.histories)
        lists[model.label] = pipeline.recommend(queries, task.log.n_items, every)
        save_artifact(artifact, tmp_path / "artifacts" / model.label)
    command = [sys.executable, "-c", ASK, str(tmp_path / "artifacts")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here = {label: [fingerprint(t) for t in (found.items, found.scores)] for label, found in lists.items()}
    there = json.loads(done.stdout)
    assert {label for label in here if here[label] != there[label]} == set()
    for label, found in lists.items():
        items, scores = found.items.numpy(), found.scores.numpy()
        assert (items > 0).any() or label == "filter-allow-list", label  # its tiny list has no item of the shop's
        assert np.isfinite(scores[(items > 0) & ~found.filled_slots().numpy()]).all(), label
