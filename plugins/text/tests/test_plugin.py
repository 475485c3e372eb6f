import re
import tomllib
from pathlib import Path

import shopzoo_text

SPECS = shopzoo_text.zoo_components()


def test_provides_what_it_says():
    assert {(s.stage, s.name) for s in SPECS} == {
        ("featurizer", "bag-of-words"), ("featurizer", "tf-idf"), ("predictor", "content-knn"),
    }  # fmt: skip


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
