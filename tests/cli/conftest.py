"""Run a command in this process, with a registry that is discovered anew."""

import pytest
from click.testing import CliRunner

from zoo.cli.main import main
from zoo.registry.registry import default_registry


@pytest.fixture(autouse=True)
def fresh_registry():
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()


@pytest.fixture
def zoo():
    """Return a function that runs a command and checks its exit code."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="zoo")
        assert result.exit_code == code, result.output
        return result

    return run


TWO_MODELS = """
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 1500 }
accept = ["few-queries", "seen-targets"]
[evaluate]
metrics = ["ndcg@10", "hit@5"]
bootstrap = 100
[[model]]
predictor = "shelf"
[[model]]
label = "steep"
predictor = { name = "shelf", step = 2.0, from_end = true }
"""


@pytest.fixture
def folder(zoo, install, tmp_path):
    """Return the results of two models."""
    install("good")
    (tmp_path / "shop.toml").write_text(TWO_MODELS, encoding="utf-8")
    zoo("bench", tmp_path / "shop.toml", "--out", tmp_path / "out")
    return tmp_path / "out"
