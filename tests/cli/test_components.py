"""`zoo list`, `zoo show` and `zoo doctor`."""

import json
import sys

import pytest

from zoo.spec import STAGES

MINE = """
from zoo.api import ComponentSpec, Params, hookimpl


@hookimpl
def zoo_components():
    return [ComponentSpec("mine", "predictor", "my_own_model:Mine", Params, "My [own] model.")]


class Mine:
    def __init__(self, params):
        self.params = params
"""


@pytest.fixture
def my_model(tmp_path):
    file = tmp_path / "my_own_model.py"
    file.write_text(MINE, encoding="utf-8")
    yield file
    sys.modules.pop("my_own_model", None)


def test_list_shows_stage_name_summary_and_plugin(zoo, install):
    install("good", "a-mean")
    lines = [line.split() for line in zoo("list", "--stage", "predictor").stdout.splitlines()]
    assert lines[1][:2] == ["predictor", "mean"]
    assert lines[2][:2] == ["predictor", "shelf"]
    assert " ".join(lines[2][2:]) == "Recommends items in the order of their numbers. shopzoo-fixture-good"
    assert len(lines) == 3


def test_list_goes_by_the_order_of_the_pipeline(zoo, install):
    install("good")
    stages = [c["stage"] for c in json.loads(zoo("list", "--json").stdout)]
    order = ["dataset", "featurizer", "predictor", "filter", "ranker", "metric"]
    assert stages == sorted(stages, key=order.index)
    assert {"dataset", "predictor", "metric"} <= set(stages)


def test_list_as_json_says_all_that_the_table_says(zoo, install):
    install("good")
    assert json.loads(zoo("list", "--stage", "predictor", "--json").stdout) == [
        {
            "name": "shelf",
            "qualified_name": "shopzoo-fixture-good/shelf",
            "stage": "predictor",
            "summary": "Recommends items in the order of their numbers.",
            "aliases": ["shelf-order"],
            "distribution": "shopzoo-fixture-good",
            "version": "1.0",
        }
    ]


def test_list_warns_of_broken_plugins_and_lists_the_rest(zoo, install):
    install("good", "raises-on-import")
    result = zoo("list", "--json")
    assert "shelf" in result.stdout
    assert result.stderr == (
        "These plugins failed to load: shopzoo-fixture-raises-on-import. `zoo doctor` shows why.\n"
    )


def test_show_explains_a_component(zoo, install):
    install("good")
    text = zoo("show", "shelf-order").stdout
    squeezed = "\n".join(" ".join(line.split()) for line in text.splitlines())
    assert squeezed == "\n".join([
        "shelf predictor, shopzoo-fixture-good 1.0",
        "Recommends items in the order of their numbers.",
        "",
        "Parameters",
        "name type default meaning",
        "step number (over 0, at most 10) 1.0 What an item loses to the one before it.",
        "from_end true | false false Whether the last item comes first.",
        'ties "none" | "pairs" "none" Whether neighbours share a score.',
        "",
        "Capabilities, with the default parameters",
        "scores only items that occurred in training",
        "serves new users from their history",
        "gives queries without a history the fallback",
        "reads no item features",
        "does not need timestamps",
        "does not depend on the seed",
        "",
        "Also called",
        "shelf-order",
        "",
        "Citation",
        "A. Author, On shelves, 1999.",
        "",
        "Reproduces",
        "ml-1m",
        'step = 2.0; train: refit = false; split: policy = "leave-last-out"',
        "ndcg@10 0.01 ± 0.005 (A. Author, table 1)",
        "hit@10 0.02 ± 0.005 (A. Author, table 1); measured 0.019",
        "Chosen by hand.",
        "zoo reproduce shelf --recipe ml-1m",
    ])  # fmt: skip


def test_show_as_json_has_schema_and_capabilities(zoo, install):
    install("good")
    (shown,) = json.loads(zoo("show", "shelf", "--json").stdout)
    assert shown["params"]["properties"]["step"] == {
        "default": 1.0,
        "description": "What an item loses to the one before it.",
        "exclusiveMinimum": 0,
        "maximum": 10,
        "title": "Step",
        "type": "number",
    }
    assert shown["capabilities"]["cold_items"] is False
    assert shown["plugin"] == {"name": "good", "distribution": "shopzoo-fixture-good", "version": "1.0"}
    assert shown["reproduces"][0]["figures"][0]["value"] == 0.01


def test_show_prints_the_experiment_file_of_a_recipe(zoo, install, tmp_path, monkeypatch):
    install("good")
    text = zoo("show", "shelf", "--config", "ml-1m").stdout
    assert (
        text
        == """\
# shelf on ml-1m, to reproduce:
#   ndcg@10 0.01 ± 0.005 (A. Author, table 1)
#   hit@10 0.02 ± 0.005 (A. Author, table 1); measured 0.019
# Chosen by hand.
#   ZOO_DATA=path/to/data zoo bench THIS_FILE

references = false

[data]
source = {name = "files", interactions = "${ZOO_DATA}/ml-1m/interactions.parquet"}
time = "position"

[split]
policy = "leave-last-out"

[evaluate]
metrics = ["ndcg@10", "hit@10"]

[train]
refit = false

[[model]]
predictor = {name = "shelf", step = 2.0}
"""
    )
    (tmp_path / "shelf.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("ZOO_DATA", "data")
    assert "shelf(step=2.0, from_end=False" in zoo("config", "check", tmp_path / "shelf.toml").stdout


def test_a_recipe_that_is_not_there_is_a_clean_message(zoo, install):
    install("good", "a-mean")
    assert zoo("show", "shelf", "--config", "ml-1n", code=2).stderr == (
        "zoo: shelf has no recipe 'ml-1n'. Did you mean 'ml-1m'? It has: ml-1m.\n"
    )
    assert zoo("show", "mean", "--config", "ml-1m", code=2).stderr == (
        "zoo: mean has no recipe. Models with recipes: shelf. `zoo show MODEL` lists those of a model.\n"
    )


def test_show_explains_every_component_of_the_name(zoo, install):
    install("a-mean", "b-mean")
    assert [c["qualified_name"] for c in json.loads(zoo("show", "mean", "--json").stdout)] == [
        "shopzoo-fixture-a-mean/mean",
        "shopzoo-fixture-b-mean/mean",
    ]
    assert [c["summary"] for c in json.loads(zoo("show", "shopzoo-fixture-b-mean/mean", "--json").stdout)] == [
        "The mean as b computes it."
    ]


def test_show_of_an_unknown_name_is_a_clean_message(zoo, install):
    install("good")
    result = zoo("show", "shelv", code=2)
    assert (result.stdout, result.stderr) == (
        "",
        "zoo: no component named 'shelv'. Did you mean 'shelf'? `zoo list` shows them all. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER.\n",
    )


def test_show_of_another_stage_is_a_clean_message(zoo, install):
    install("good")
    stderr = zoo("show", "shelf", "--stage", "ranker", code=2).stderr
    assert stderr.startswith("zoo: 'shelf' is a predictor, not a ranker. Installed rankers: ")


def test_everything_that_is_installed_can_be_shown(zoo):
    for component in json.loads(zoo("list", "--json").stdout):
        stage = ["--stage", component["stage"]] if component["stage"] in STAGES else []
        text = zoo("show", component["qualified_name"] if stage else component["name"], *stage).stdout
        assert component["summary"] in " ".join(text.split())


def test_doctor_is_content_with_what_is_good(zoo, install):
    install("good")
    text = zoo("doctor").stdout
    assert "good  shopzoo-fixture-good 1.0 (good)\n        predictor shelf\n" in text
    assert text.endswith("\n2 plugins, all good.\n")


def test_doctor_tells_what_is_broken_and_why(zoo, install):
    install("good", "misspelt-hook", "broken-target", "older-api")
    findings = {f["name"]: f for f in json.loads(zoo("doctor", "--json", code=1).stdout)}
    assert findings["good"]["errors"] == findings["core"]["errors"] == findings["older-api"]["errors"] == []
    assert findings["older-api"]["warnings"][0].startswith("veteran: written for plugin API 0")
    assert findings["misspelt-hook"]["errors"][0].startswith("it implements a hook 'zoo_component'")
    assert findings["misspelt-hook"]["version"] == "1.0"
    assert "No module named 'a_library_that_is_not_installed'" in findings["broken-target"]["errors"][0]
    text = zoo("doctor", code=1).stdout
    assert "broken  shopzoo-fixture-misspelt-hook 1.0 (misspelt-hook)" in text
    assert "warning: veteran: written for plugin API 0" in text
    assert text.endswith("\n5 plugins, 2 broken.\n")


@pytest.mark.parametrize("command", [("list",), ("show", "mine"), ("doctor",)])
def test_a_single_file_is_a_plugin(zoo, install, my_model, command):
    install("good")
    text = zoo(*command, "--plugin", my_model).stdout
    assert "mine" in text
    assert command == ("doctor",) or "My [own] model." in text


def test_a_single_file_that_is_not_there_is_a_clean_message(zoo):
    stderr = zoo("list", "--plugin", "nowhere.py", code=2).stderr
    assert stderr == (
        "zoo: --plugin nowhere.py: there is no such file. Give the path of a Python file with a zoo_components hook.\n"
    )


def test_a_single_file_without_a_hook_is_not_good(zoo, install, tmp_path):
    install("good")
    (tmp_path / "unmarked_model.py").write_text("def zoo_components():\n    return []\n")
    text = zoo("doctor", "--plugin", tmp_path / "unmarked_model.py", code=1).stdout
    assert "broken  unmarked_model file (unmarked_model)" in text
    assert "error: it implements no hook: decorate its zoo_components function with @hookimpl" in text


def test_a_broken_single_file_is_told(zoo, install, tmp_path):
    install("good")
    (tmp_path / "broken_model.py").write_text("1 / 0\n")
    text = zoo("doctor", "--plugin", tmp_path / "broken_model.py", code=1).stdout
    assert "error: ZeroDivisionError: division by zero (" in text
    assert "broken_model.py:1)" in text


NOISY = """
import time
from zoo.api import ComponentSpec, Params, Predictor, hookimpl
print("hello from an import")
time.sleep(0.05)
@hookimpl
def zoo_components():
    print("hello from a hook")
    return [ComponentSpec("noisy", "predictor", "noisy_model:C", Params, "Is noisy.", aliases=("popular",))]
"""


@pytest.fixture
def noisy(tmp_path):
    file = tmp_path / "noisy_model.py"
    file.write_text(NOISY)
    yield file
    sys.modules.pop("noisy_model", None)


@pytest.mark.parametrize("command", [("list",), ("show", "noisy"), ("config", "schema")])
def test_what_a_plugin_prints_during_its_import_does_not_reach_the_output(zoo, install, noisy, command):
    install("good")
    json_flag = () if command[0] == "config" else ("--json",)
    result = zoo(*command, *json_flag, "--plugin", noisy)
    json.loads(result.stdout)
    assert "hello" not in result.stdout


def test_doctor_tells_how_long_an_import_takes_and_what_it_printed(zoo, install, noisy):
    install("good")
    found = {f["name"]: f for f in json.loads(zoo("doctor", "--json", "--plugin", noisy, code=1).stdout)}
    assert found["noisy_model"]["printed"] == "hello from an import\nhello from a hook\n"
    assert found["noisy_model"]["seconds"] >= 0.05
    assert found["good"]["printed"] == ""
    text = zoo("doctor", "--plugin", noisy, code=1).stdout
    assert "printed during its import: hello from an import" in text
    assert "        imported in 0." in text


def test_a_plugin_file_that_does_not_load_is_an_error_of_every_command(zoo, install, tmp_path):
    install("good")
    (tmp_path / "broken_model.py").write_text("1 / 0\n")
    config = tmp_path / "mine.toml"
    config.write_text('[data]\nsource = "synthetic-shop"\n[[model]]\npredictor = "shelf"\n')
    for command in (
        ("list",),
        ("show", "shelf"),
        ("config", "check", config),
        ("bench", config, "--out", tmp_path / "out"),
    ):
        stderr = zoo(*command, "--plugin", tmp_path / "broken_model.py", code=2).stderr
        assert "--plugin broken_model.py does not load: ZeroDivisionError: division by zero (" in stderr
        assert stderr.endswith("Correct the file, or leave the option out.\n")
