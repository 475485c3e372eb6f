import re
import tomllib
from pathlib import Path

import shopzoo_rules

SPECS = shopzoo_rules.zoo_components()


def test_provides_what_it_says():
    names = {"available", "category", "price-band", "allow-list", "deny-list"}
    assert {(s.stage, s.name) for s in SPECS} == {("filter", name) for name in names}


def test_a_rule_judges_new_items_too():
    assert all(s.capabilities_for(s.params(**s.tiny)).cold_items for s in SPECS)


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
