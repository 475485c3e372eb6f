"""The kinds of plugin that there are templates for, written where a test says."""

import pytest

from zoo.registry.registry import Registry
from zoo.scaffold.writer import SUMMARIES, new_file, new_package


def options(kind):
    return ("predictor", {"neural": True}) if kind == "neural" else (kind, {})


@pytest.fixture(params=SUMMARIES)
def kind(request):
    return request.param


@pytest.fixture
def package():
    """Return a function that writes a package and gives back its folder."""

    def written(path, kind):
        stage, more = options(kind)
        new_package(path, stage, Registry([]), **more)
        return path

    return written


@pytest.fixture
def single_file():
    """Return a function that writes a plugin of one file and gives back its path."""

    def written(path, kind):
        stage, more = options(kind)
        new_file(path, stage, Registry([]), **more)
        return path

    return written
