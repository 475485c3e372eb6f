"""`zoo config check` and `zoo config schema`."""

import json

import pytest

from zoo.config import split_settings
from zoo.config.json_schema import experiment_schema
from zoo.registry.registry import Registry

FILE = """
[data]
source = { name = "files", interactions = "events.csv" }
[split]
cuts = [0.8]
[evaluate]
metrics = ["ndcg@10", { name = "recall", k = 5, normalise = "min" }]
[[model]]
predictor = "shelf"
[[model]]
label = "steep"
predictor = { name = "shelf", step = 2.0 }
"""


@pytest.fixture
def file(tmp_path, install):
    install("good")
    file = tmp_path / "shop.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


def test_check_prints_what_the_file_comes_to(zoo, file):
    assert zoo("config", "check", file).stdout == "\n".join([
        f"data       files(interactions=['{file.parent}/events.csv'])",
        "split      temporal(unit=event, cuts=[0.8], targets=all, cold_items=0.0, seed=0)",
        "metrics    ndcg@10, recall@5(normalise=min)",
        "evaluate   exclude_seen=True, new_users=True, fallback=popular, candidates=200, bootstrap=1000",
        "train      refit=True, device=auto, seeds=[0]",
        "model      shelf: shelf(step=1.0, from_end=False, ties=none)",
        "model      steep: shelf(step=2.0, from_end=False, ties=none)",
        f"{file} is valid.",
        "",
    ])  # fmt: skip


def test_check_prints_what_a_model_is_trained_with_where_train_says_something_else(zoo, tmp_path):
    file = tmp_path / "nets.toml"
    file.write_text(
        '[data]\nsource = "synthetic-shop"\n[train]\nmax_epochs = 7\nlearning_rate = 0.01\n[[model]]\npredictor = "ease"\n'
        '[[model]]\npredictor = "bpr-mf"\n[model.train]\nmax_epochs = 7\nlearning_rate = 0.001\nclip_norm = 1.5\n'
    )
    lines = zoo("config", "check", file).stdout.splitlines()
    assert lines[4] == "train      max_epochs=7, learning_rate=0.01, refit=True, device=auto, seeds=[0]"
    assert lines[5].startswith("model      ease: ease(")
    assert lines[6].startswith("model      bpr-mf: bpr-mf(")
    assert lines[7:] == ["             train: learning_rate=0.001, clip_norm=1.5", f"{file} is valid."]


TUNED = """
[data]
source = "synthetic-shop"
[evaluate]
exclude_seen = false
[tune]
trials = 5
[[model]]
predictor = "ease"
[model.tune]
minutes = 2
[[model]]
label = "kept"
predictor = "als"
tune = false
[[model]]
predictor = "popular"
tune = { predictor.half_life = false }
"""


def test_check_prints_the_rules_of_evaluation_and_what_is_searched(zoo, tmp_path):
    file = tmp_path / "tuned.toml"
    file.write_text(TUNED, encoding="utf-8")
    lines = zoo("config", "check", file).stdout.splitlines()
    assert lines[3].startswith("evaluate   exclude_seen=False, ")
    assert lines[5] == "tune       trials=5, seed=0, prune=True"
    assert lines[7:9] == [
        "             tune: 2 minutes for ndcg@10",
        "               predictor.l2: 5 to 5000, logarithmic",
    ]
    assert lines[10] == "             tune: false, keeps these settings"
    assert lines[12] == "             tune: nothing to search"
    (ease, *others) = json.loads(zoo("config", "check", file, "--json").stdout)["model"]
    assert ease["tuning"]["minutes"] == 2
    assert list(ease["tuning"]["space"]) == ["predictor.l2"]
    assert not any("tuning" in model for model in others)
    replaced = zoo("config", "check", file, "--set", "tune.trials=4").stdout.splitlines()
    assert replaced[5:7] == [
        "tune       trials=4, seed=0, prune=True",
        "             model[1].tune: minutes = 2 is replaced by tune.trials=4",
    ]


def test_what_is_the_same_for_all_models_is_no_single_models(zoo, tmp_path):
    file = tmp_path / "nets.toml"
    file.write_text(
        '[data]\nsource = "synthetic-shop"\n[[model]]\npredictor = "bpr-mf"\n[model.train]\nrefit = false\nseed = 3\n'
    )
    lines = zoo("config", "check", file, code=2).stderr.splitlines()
    assert lines[1] == "  model[1].train.refit: is the same for all models. Move it to [train]."
    assert lines[2].startswith("  model[1].train.seed: unknown key.")


def test_check_takes_overrides_and_gives_json(zoo, file):
    plain = json.loads(zoo("config", "check", file, "--set", "model.steep.predictor.step=3", "--json").stdout)
    assert [m["predictor"]["step"] for m in plain["model"]] == [1.0, 3.0]


def test_a_wrong_file_is_a_clean_message_and_exit_code_2(zoo, file):
    file.write_text(FILE.replace("step = 2.0", "stepp = 2.0"), encoding="utf-8")
    result = zoo("config", "check", file, code=2)
    assert (result.stdout, result.stderr) == (
        "",
        f"zoo: {file} cannot be used:\n"
        "  model[2].predictor.stepp: unknown key. Did you mean 'step'? Known here: from_end, step, ties.\n",
    )


def test_a_variable_shows_where_an_error_comes_from(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    stderr = zoo("config", "check", tmp_path / "nowhere.toml", code=2).stderr
    assert stderr.startswith("Traceback (most recent call last):")
    assert stderr.endswith("nowhere.toml: there is no such file.\n")


def test_the_schema_knows_every_key_and_what_is_installed(zoo, install):
    install("good")
    schema = json.loads(zoo("config", "schema").stdout)
    tables = schema["$defs"]
    assert list(tables["Experiment"]["properties"]) == [
        "task",
        "data",
        "split",
        "evaluate",
        "train",
        "model",
        "references",
        "tune",
    ]
    assert list(tables["RankExperiment"]["properties"]) == [
        "task",
        "data",
        "split",
        "evaluate",
        "train",
        "model",
        "tune",
    ]
    assert [schema[branch]["$ref"] for branch in ("then", "else")] == ["#/$defs/RankExperiment", "#/$defs/Experiment"]
    assert tables["predictor"]["anyOf"][0] == {"enum": ["shelf"]}
    shelf = next(t for t in tables["predictor"]["anyOf"] if t.get("title") == "shelf")
    assert shelf["properties"]["name"]["enum"] == ["shelf", "shopzoo-fixture-good/shelf", "shelf-order"]
    assert shelf["properties"]["ties"]["enum"] == ["none", "pairs"]


@pytest.mark.parametrize("split", ["LeaveLastOut", "StrongGeneralisation", "Given"])
def test_the_schema_asks_for_the_policy_that_a_class_implies(split):
    assert experiment_schema(Registry.discover())["$defs"][split]["required"] == ["policy"]
    assert getattr(split_settings, split)() == getattr(split_settings, split)(
        policy=getattr(split_settings, split)().policy
    )


def test_every_reference_of_the_schema_leads_somewhere():
    schema = experiment_schema(Registry.discover())

    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            for part in node.values():
                yield from references(part)
        if isinstance(node, list):
            for part in node:
                yield from references(part)

    used = {ref.removeprefix("#/$defs/") for ref in references(schema)}
    assert used == set(schema["$defs"])
