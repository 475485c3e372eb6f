"""`zoo plugin new`."""

import sys


def test_new_writes_a_package_and_says_what_is_next(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = zoo("plugin", "new", "my-model", "--stage", "ranker").stdout
    assert text == (
        "Wrote:\n"
        "  my-model/README.md\n"
        "  my-model/example.toml\n"
        "  my-model/pyproject.toml\n"
        "  my-model/src/my_model/__init__.py\n"
        "  my-model/src/my_model/model.py\n"
        "  my-model/src/my_model/params.py\n"
        "  my-model/tests/test_conformance.py\n\n"
        "Next:\n"
        "  pip install -e my-model\n"
        "  zoo plugin check my-model\n"
        "  zoo bench my-model/example.toml\n"
    )


def test_new_adds_to_a_package_and_says_what_is_next(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zoo("plugin", "new", "my-model", "--stage", "ranker")
    text = zoo("plugin", "new", "my-metric", "--stage", "metric", "--into", "my-model").stdout
    assert text == (
        "Wrote:\n"
        "  my-model/example-my-metric.toml\n"
        "  my-model/src/my_model/my_metric.py\n"
        "Extended:\n"
        "  my-model/README.md\n"
        "  my-model/src/my_model/__init__.py\n"
        "  my-model/src/my_model/params.py\n\n"
        "Next:\n"
        "  zoo plugin check my-metric\n"
        "  zoo bench my-model/example-my-metric.toml\n"
    )
    error = zoo("plugin", "new", "a.py", "--stage", "metric", "--into", "my-model", "--single-file", code=2).stderr
    assert error == ("zoo: --into adds to a package, and --single-file creates a file: leave one of them out.\n")


def test_new_writes_a_single_file_that_the_command_line_knows(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = zoo("plugin", "new", "my_model.py", "--stage", "predictor", "--neural", "--single-file").stdout
    assert text == (
        "Wrote:\n"
        "  my_model.py\n"
        "  my_model.toml\n\n"
        "Next:\n"
        "  zoo show my-model --stage predictor --plugin my_model.py\n"
        "  zoo plugin check my-model --plugin my_model.py\n"
        "  zoo bench my_model.toml --plugin my_model.py\n"
    )
    assert "hidden" in zoo("show", "my-model", "--stage", "predictor", "--plugin", "my_model.py").stdout
    del sys.modules["my_model"]


def test_a_name_that_is_taken_is_refused(zoo, tmp_path, install):
    install("good")
    error = zoo("plugin", "new", tmp_path / "shelf", "--stage", "predictor", code=2).stderr
    assert error.startswith("zoo: 'shelf': the plugin shopzoo-fixture-good has a predictor of this name.")
    assert not list(tmp_path.iterdir())
