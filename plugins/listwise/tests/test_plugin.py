"""The plugin itself: what it provides, its parameters, its README."""

import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_listwise

from zoo.api import ConfigError
from zoo.params import validated

SPECS = {spec.name: spec for spec in shopzoo_listwise.zoo_components()}


def test_provides_what_it_says():
    assert [(s.stage, name) for name, s in SPECS.items()] == [("ranker", "neural-ranker")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"loss": "lambda-rank"},
            r"neural-ranker\.loss: expected .*, found 'lambda-rank'\. Did you mean 'lambdarank'\?",
        ),
        ({"temperature": 0}, r"neural-ranker\.temperature: expected a number greater than 0, found 0\."),
        ({"loss_cutoff": 0}, r"neural-ranker\.loss_cutoff: expected a number of at least 1, found 0\."),
        (
            {"scorer": "set-attention", "dim": 9},
            r"expected `dim` to be a multiple of `heads`, found dim = 9, heads = 2\.",
        ),
    ],
)
def test_wrong_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(SPECS["neural-ranker"].params, values, "neural-ranker")


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for ranker in (r for model in models for r in model["rankers"]):
        name, params = (ranker, {}) if isinstance(ranker, str) else (ranker.pop("name"), ranker)
        assert validated(SPECS[name].params, params, name)
    assert len(models) == 3
