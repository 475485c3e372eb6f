"""The plugin itself: what it provides, its parameters, its README."""

import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_sorting

from zoo.api import ConfigError
from zoo.params import validated

SPECS = {spec.name: spec for spec in shopzoo_sorting.zoo_components()}


def test_provides_what_it_says():
    assert [(s.stage, name) for name, s in SPECS.items()] == [
        ("ranker", "sorting-network"),
        ("ranker", "sorting-autoencoder"),
    ]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("network", {"sigmoid": "couchy"}, r"sigmoid: expected .*, found 'couchy'\. Did you mean 'cauchy'\?"),
        ("network", {"network": "oddeven"}, r"network: expected .*, found 'oddeven'\. Did you mean 'odd-even'\?"),
        ("network", {"steepness": 0}, r"sorting-network\.steepness: expected a number greater than 0, found 0\."),
        ("network", {"steepness": float("inf")}, r"sorting-network\.steepness: expected a finite number, found inf\."),
        ("network", {"loss_cutoff": 0}, r"sorting-network\.loss_cutoff: expected a number of at least 1, found 0\."),
        ("autoencoder", {"places": 0}, r"sorting-autoencoder\.places: expected a number of at least 1, found 0\."),
        ("autoencoder", {"drop": 1.0}, r"sorting-autoencoder\.drop: expected a number less than 1, found 1\.0\."),
        (
            "autoencoder",
            {"drop": 0.7, "swap": 0.5},
            r"expected `drop` and `swap` to be shares of one whole, found 0.7 and",
        ),
        ("autoencoder", {"dim": 9}, r"expected `dim` to be a multiple of `heads`, found dim = 9, heads = 2\."),
    ],
)
def test_wrong_parameters_are_explained(name, values, message):
    name = f"sorting-{name}"
    with pytest.raises(ConfigError, match=message):
        validated(SPECS[name].params, values, name)


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for ranker in (r for model in models for r in model["rankers"]):
        name, params = (ranker, {}) if isinstance(ranker, str) else (ranker.pop("name"), ranker)
        assert validated(SPECS[name].params, params, name)
    assert len(models) == 4
