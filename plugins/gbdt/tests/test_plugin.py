"""The plugin itself: what it provides, its parameters, its README."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import shopzoo_gbdt

from zoo.api import ConfigError
from zoo.params import validated

SPECS = {spec.name: spec for spec in shopzoo_gbdt.zoo_components()}


def test_provides_what_it_says():
    assert [(s.stage, name) for name, s in SPECS.items()] == [("ranker", "lambdamart")]


def test_the_plugin_is_listed_without_lightgbm():
    code = "import sys, shopzoo_gbdt as p; p.zoo_components(); assert not {'lightgbm', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"leaves": 1}, r"lambdamart\.leaves: expected a number of at least 2, found 1\."),
        ({"feature_fraction": 0.0}, r"lambdamart\.feature_fraction: expected a number greater than 0, found 0\.0\."),
        ({"held_out": 1.0}, r"lambdamart\.held_out: expected a number less than 1, found 1\.0\."),
        ({"n_estimators": 100}, r"lambdamart\.n_estimators: unknown key\. Known here: .*trees"),
    ],
)
def test_wrong_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(SPECS["lambdamart"].params, values, "lambdamart")


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for ranker in (r for model in models for r in model["rankers"]):
        name, params = (ranker, {}) if isinstance(ranker, str) else (ranker.pop("name"), ranker)
        assert validated(SPECS[name].params, params, name)
    assert len(models) == 2
