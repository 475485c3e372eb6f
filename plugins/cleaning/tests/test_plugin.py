import re
import tomllib
from pathlib import Path

import shopzoo_cleaning

SPECS = {spec.name: spec for spec in shopzoo_cleaning.zoo_components()}


def test_provides_what_it_says():
    assert set(SPECS) == {
        "duplicates", "returns", "bots", "time-defects", "sessions", "rare", "price-outliers", "test-accounts", "merge-items",
    }  # fmt: skip
    assert {spec.stage for spec in SPECS.values()} == {"cleaner"}
    assert all(spec.citation for spec in SPECS.values())


def test_the_cleaners_of_the_readme_are_valid():
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    for choice in tomllib.loads(block)["data"]["clean"]:
        table = {"name": choice} if isinstance(choice, str) else dict(choice)
        SPECS[table.pop("name")].params(**table)
