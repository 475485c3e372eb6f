"""Files, environment variables and overrides from the command line."""

import pytest

from zoo.config.load import load_experiment
from zoo.errors import ConfigError

FILE = """
[data]
source = "shop"

[[model]]
predictor = "item-knn"

[[model]]
label = "recent.popular"
predictor = { name = "popular", half_life = 7.0 }
filters = ["available"]
"""


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


def changed(file, registry, *overrides):
    return load_experiment(file, overrides, registry, env={}).as_json()


def refused(file, registry, *overrides):
    with pytest.raises(ConfigError) as error:
        load_experiment(file, overrides, registry, env={})
    first, *lines = str(error.value).splitlines()
    assert first == f"{file} cannot be used:"
    return [line.strip() for line in lines]


def test_a_file_is_read(file, registry):
    assert [m["label"] for m in changed(file, registry)["model"]] == ["item-knn", "recent.popular"]


def test_a_file_that_is_not_there(tmp_path, registry):
    with pytest.raises(ConfigError) as error:
        load_experiment(tmp_path / "shop.toml", registry=registry)
    assert str(error.value) == f"{tmp_path / 'shop.toml'}: there is no such file."


def test_a_folder_is_no_file(tmp_path, registry):
    with pytest.raises(ConfigError, match=r"cannot be read: .*Is a directory.*Give the path of a TOML file in UTF-8\."):
        load_experiment(tmp_path, registry=registry)


def test_a_file_that_is_not_text(tmp_path, registry):
    (tmp_path / "events.parquet").write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(ConfigError, match=r"events\.parquet cannot be read: .*Give the path of a TOML file in UTF-8\."):
        load_experiment(tmp_path / "events.parquet", registry=registry)


def test_broken_toml_is_told_with_its_place(file, registry):
    file.write_text('[data]\nsource = "shop"\ncolumns = { user_id = }\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_experiment(file, registry=registry)
    assert str(error.value).splitlines() == [
        f"{file} is not valid TOML: Invalid value (at line 3, column 23)",
        "  columns = { user_id = }",
        "                        ^",
    ]


def test_broken_toml_at_the_end_of_the_file(file, registry):
    file.write_text("[data]\nsource = [\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_experiment(file, registry=registry)
    assert str(error.value) == f"{file} is not valid TOML: Invalid value (at end of document)"


def test_all_problems_come_under_the_name_of_the_file(file, registry):
    file.write_text(FILE.replace("item-knn", "item-kn").replace("half_life", "half_live"), encoding="utf-8")
    lines = refused(file, registry)
    assert [line.partition(":")[0] for line in lines] == ["model[1].predictor", "model[2].predictor.half_live"]


def test_environment_variables_are_filled_in(file, registry):
    file.write_text(FILE.replace('"shop"', '{ name = "files", interactions = "${A}/${B}.parquet" }'), encoding="utf-8")
    read = load_experiment(file, registry=registry, env={"A": "x", "B": "y"})
    assert str(read.source.params.interactions) == "x/y.parquet"
    assert refused(file, registry)[0].startswith(
        "data.source.interactions: '${A}/${B}.parquet' uses the environment variable A, "
    )


@pytest.mark.parametrize(("override", "path", "value"), [
    ("model.item-knn.predictor.k=50", ("model", 0, "predictor", "k"), 50),
    ("model.1.predictor.k = 50", ("model", 0, "predictor", "k"), 50),
    ("model.1.predictor={name='item-knn', k=7}", ("model", 0, "predictor", "k"), 7),
    ("model.1.predictor=popular", ("model", 0, "predictor", "name"), "testing/popular"),
    ('model."recent.popular".predictor.half_life=2.5', ("model", 1, "predictor", "half_life"), 2.5),
    ("model.2.label=recent", ("model", 1, "label"), "recent"),
    ("evaluate.metrics=['recall@5']", ("evaluate", "metrics"), [{"name": "testing/recall", "k": 5}]),
    ("split.policy=leave-last-out", ("split", "policy"), "leave-last-out"),
    ("split.cuts=[0.5]", ("split", "cuts"), [0.5]),
    ("train.refit=false", ("train", "refit"), False),
    ("data.k_core=5", ("data", "k_core", "item"), 5),
    ("data.event_weights.view=0.5", ("data", "event_weights", "view"), 0.5),
    ("data.salt=7e3d", ("data", "salt"), "7e3d"),
])  # fmt: skip
def test_an_override_reaches_its_place(file, registry, override, path, value):
    node = changed(file, registry, override)
    for part in path:
        node = node[part]
    assert node == value


def test_overrides_are_applied_in_turn(file, registry):
    plain = changed(file, registry, "model.1.label=wide", "model.wide.predictor.k=500", "model.wide.predictor.k=600")
    assert plain["model"][0]["predictor"]["k"] == 600


def test_an_override_leaves_the_rest_as_it_was(file, registry):
    before, after = changed(file, registry), changed(file, registry, "model.item-knn.predictor.k=50")
    after["model"][0]["predictor"]["k"] = 100
    assert before == after


@pytest.mark.parametrize(("override", "message"), [
    ("train.refit", "--set 'train.refit': expected PATH=VALUE, e.g. model.als.predictor.factors=32"),
    ("=3", "--set '=3': expected PATH=VALUE, e.g. model.als.predictor.factors=32"),
    ("a..b=3", "--set 'a..b=3': expected PATH=VALUE, e.g. model.als.predictor.factors=32"),
    (
        "model.item-kn.predictor.k=3",
        "--set 'model.item-kn.predictor.k=3': model has no 'item-kn'. Did you mean 'item-knn'? "
        "It has: item-knn, recent.popular, or a number from 1 to 2.",
    ),
    (
        "model.3.predictor.k=3",
        "--set 'model.3.predictor.k=3': model has no '3'. It has: item-knn, recent.popular, or a number from 1 to 2.",
    ),
    ("model.2.predictor.half_life.days=3", "--set 'model.2.predictor.half_life.days=3': model.2.predictor.half_life is 7.0, which cannot contain 'days'"),
    ("split.cuts=[0.5", "--set 'split.cuts=[0.5': '[0.5' is not a valid TOML value: Unclosed array (at end of document)"),
    ("model.1.predictor.dim=3", "model[1].predictor.dim: unknown key. Known here: k, shrinkage."),
    ("model.1.predictor.k=many", "model[1].predictor.k: expected a whole number, found 'many'."),
    ("tain.refit=false", "tain: unknown key. Did you mean 'train'? Known here: data, evaluate, model, references, split, task, train, tune."),
])  # fmt: skip
def test_an_override_that_is_wrong_is_told(file, registry, override, message):
    assert refused(file, registry, override) == [message]
