"""The plugin itself: what it provides, its parameters, its README."""

import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_rnn

from zoo.api import ConfigError
from zoo.params import validated

SPECS = shopzoo_rnn.zoo_components()


def test_provides_what_it_says():
    predictors = [("predictor", "gru4rec"), ("predictor", "narm")]
    assert [(s.stage, s.name) for s in SPECS] == [*predictors, ("featurizer", "text-rnn")]
    capabilities = [s.capabilities_for(s.params()) for s in SPECS]
    assert all(c.trains_in_epochs and not c.deterministic for c in capabilities)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dim": 0}, r"gru4rec\.dim: expected a number of at least 1, found 0\."),
        ({"dropout": 1}, r"gru4rec\.dropout: expected a number less than 1, found 1\."),
        ({"loss": "sofmax"}, r"gru4rec\.loss: expected .*, found 'sofmax'\. Did you mean 'softmax'\?"),
        ({"layers": 0}, r"gru4rec\.layers: expected a number of at least 1, found 0\."),
    ],
)
def test_wrong_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(SPECS[0].params, values, "gru4rec")


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for model in models:
        written = model["predictor"]
        name, params = (written, {}) if isinstance(written, str) else (written.pop("name"), written)
        (spec,) = (s for s in SPECS if s.name == name)
        assert validated(spec.params, params, name)
    assert len(models) == 4
