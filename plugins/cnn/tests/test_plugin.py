"""The plugin itself: what it provides, its parameters, its README."""

import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_cnn

from zoo.api import ConfigError
from zoo.params import validated

SPECS = {spec.name: spec for spec in shopzoo_cnn.zoo_components()}


def test_provides_what_it_says():
    predictors = [("predictor", name) for name in ("caser", "nextitnet", "conv-two-tower")]
    assert [(s.stage, name) for name, s in SPECS.items()] == [*predictors, ("featurizer", "text-cnn")]
    capabilities = [s.capabilities_for(s.params()) for s in SPECS.values()]
    assert all(c.trains_in_epochs and not c.deterministic for c in capabilities)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("caser", {"window": 0}, r"caser\.window: expected a number of at least 1, found 0\."),
        ("caser", {"dropout": 1}, r"caser\.dropout: expected a number less than 1, found 1\."),
        ("caser", {"loss": "sofmax"}, r"caser\.loss: expected .*, found 'sofmax'\. Did you mean 'softmax'\?"),
        ("nextitnet", {"dilations": []}, r"nextitnet\.dilations: expected 1 or more entries, found \[\]\."),
        ("nextitnet", {"dilations": [1, 0]}, r"nextitnet\.dilations\[2\]: expected a number of at least 1, found 0\."),
        ("nextitnet", {"kernel": 1}, r"nextitnet\.kernel: expected a number of at least 2, found 1\."),
    ],
)
def test_wrong_parameters_are_explained(name, values, message):
    with pytest.raises(ConfigError, match=message):
        validated(SPECS[name].params, values, name)


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for model in models:
        written = model["predictor"]
        name, params = (written, {}) if isinstance(written, str) else (written.pop("name"), written)
        assert validated(SPECS[name].params, params, name)
    assert len(models) == 5
