"""The page on tuning: its parameters have the spaces that it says, and its experiment is one."""

import re
import tomllib
from pathlib import Path

from zoo.config.load import experiment_from
from zoo.search_space import spaces_of

PAGE = (Path(__file__).parents[2] / "docs/how-to/tune.md").read_text(encoding="utf-8")


def test_the_parameters_of_the_page_have_spaces():
    names = {}
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    exec(block, names)
    assert list(spaces_of(names["MyParams"])) == ["factors", "loss", "rate", "negatives"]


def test_the_experiments_of_the_page_can_be_used():
    tables = [tomllib.loads(b) for b in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]
    assert tables
    for table in tables:
        table.setdefault("data", {"source": "synthetic-shop"})
        table.setdefault("model", [{"predictor": "als"}])
        assert experiment_from(table).models
