import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_baselines

SPECS = shopzoo_baselines.zoo_components()


def test_provides_what_it_says():
    assert {(s.stage, s.name) for s in SPECS} == {
        ("predictor", "random"), ("predictor", "popular"), ("predictor", "personal-popular"), ("predictor", "transition-graph"),
        ("filter", "top-popular"), ("ranker", "mmr"), ("ranker", "borda"), ("featurizer", "tabular"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["popular", "personal-popular", "top-popular"])
def test_only_a_half_life_needs_a_clock(name):
    spec = next(s for s in SPECS if s.name == name)
    assert not spec.capabilities_for(spec.params(**spec.tiny)).needs_time
    assert spec.capabilities_for(spec.params(**spec.tiny, half_life=7)).needs_time


def test_the_components_of_the_readme_are_valid():
    blocks = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    models = [model for block in blocks for model in tomllib.loads(block)["model"]]
    parts = [
        part for model in models for value in model.values() for part in (value if isinstance(value, list) else [value])
    ]
    tables = [part for part in parts if isinstance(part, dict)]
    known = {spec.name: spec.params for spec in SPECS}
    assert {table["name"] for table in tables} <= set(known)
    for table in tables:
        known[table.pop("name")](**table)
    assert tables
