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
