import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_mf

from zoo.api import ConfigError
from zoo.params import validated

SPECS = shopzoo_mf.zoo_components()


def test_provides_what_it_says():
    assert [(s.stage, s.name) for s in SPECS] == [
        ("predictor", "als"), ("predictor", "bpr-mf"), ("predictor", "item-knn"), ("predictor", "ease"), ("predictor", "elsa"), ("predictor", "item-item-mf"),
        ("filter", "user-item-mf"), ("filter", "item-item-mf"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("als", {"factors": 0}, r"als\.factors: .* at least 1, found 0\."),
        ("als", {"unobserved": -1}, r"als\.unobserved: .* greater than 0, found -1\."),
        ("als", {"regularisation": 1}, r"als\.regularisation: .*Did you mean 'regularization'\?"),
        ("ease", {"l2": 0}, r"ease\.l2: .* greater than 0, found 0\."),
        ("elsa", {"dim": 0}, r"elsa\.dim: .* at least 1, found 0\."),
        ("item-knn", {"k": "many"}, r"item-knn\.k: .*found 'many'\."),
        ("item-item-mf", {"smoothing": 2}, r"item-item-mf\.smoothing: .* at most 1, found 2\."),
    ],
)
def test_wrong_parameters_are_explained(name, values, message):
    params = next(s.params for s in SPECS if s.name == name and s.stage == "predictor")
    with pytest.raises(ConfigError, match=message):
        validated(params, values, name)


def test_the_components_of_the_readme_are_valid():
    blocks = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    models = [model for block in blocks for model in tomllib.loads(block)["model"]]
    known = {(s.stage, s.name): s.params for s in SPECS}
    for model in models:
        tables = [("predictor", model["predictor"]), *(("filter", f) for f in model.get("filters", []))]
        for stage, table in tables:
            if isinstance(table, dict):
                known[stage, table.pop("name")](**table)
            else:
                assert (stage, table) in known
    assert len(models) == 4
