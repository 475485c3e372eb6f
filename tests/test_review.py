"""The review of the code finds what it is meant to find, and the tree has nothing else than the accepted places."""

import pytest


@pytest.fixture(scope="module")
def reviewing(load_script):
    return load_script("review")


@pytest.mark.parametrize(("code", "rule"), [
    ("import pickle", "pickle"), ("from pickle import loads", "pickle"), ("import joblib.numpy_pickle", "pickle"),
    ("torch.load(path)", "pickle"), ("np.load(path, allow_pickle=True)", "pickle"), ("load(path, weights_only=False)", "pickle"),
    ("eval(text)", "eval"), ("exec(text)", "eval"), ("compile(text, '', 'exec')", "eval"), ("__import__(name)", "eval"),
    ("importlib.import_module(name)", "import"), ("import_module(name)", "import"),
    ("import subprocess", "process"), ("os.system(text)", "process"), ("run(text, shell=True)", "shell"),
    ("yaml.load(text)", "yaml"), ("tempfile.mktemp()", "temporary"),
    ("assert value > 0", "assert"), ("assert value", "assert"), ("assert value is None", "assert"),
])  # fmt: skip
def test_each_rule_finds_its_calls(reviewing, code, rule):
    (finding,) = reviewing.review(f"x = 1\n\n{code}\n", "zoo/x.py")
    assert (finding.rule, finding.line) == (rule, 3)
    assert str(finding).startswith(f"zoo/x.py:3: {code.splitlines()[0]}")
    assert reviewing.RULES[rule] in str(finding)


@pytest.mark.parametrize("code", [
    "model.eval()", "re.compile(text)", "np.load(path)", "yaml.safe_load(text)", "run(['ls'], shell=False)",
    "assert value is not None", "assert isinstance(value, int)", "text = 'eval(x)'",
])  # fmt: skip
def test_what_is_harmless_is_no_finding(reviewing, code):
    assert list(reviewing.review(code, "zoo/x.py")) == []


def test_the_tree_has_the_accepted_places_and_nothing_else(reviewing):
    assert reviewing.review_tree() == []
    assert all(len(reason) > 20 for reason in reviewing.ACCEPTED.values())


def test_a_new_place_and_a_stale_reason_fail_the_review(reviewing, tmp_path):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "new.py").write_text("import pickle\n")
    lines = reviewing.review_tree(tmp_path)
    assert lines[0] == f"zoo/new.py:1: import pickle: {reviewing.RULES['pickle']}"
    assert "zoo/lazy.py: nothing there breaks the rule 'import': remove it from ACCEPTED" in lines
