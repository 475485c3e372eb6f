"""Values that no experiment can use are refused with a sentence: huge numbers, nesting without end, text that is not text."""

import json

import pytest
from pydantic import Field

from zoo.config.experiment import EvaluateSettings, Experiment
from zoo.config.load import load_experiment
from zoo.config.rank_experiment import RankExperiment
from zoo.config.train import TrainSettings
from zoo.errors import ConfigError
from zoo.params import Params, validated
from zoo.plain_values import refused_values
from zoo.registry.registry import default_registry

GOOD = '[data]\nsource = "shop"\n[[model]]\npredictor = "item-knn"\n'
DIGITS = "9" * 5000
WHOLE = "expected a whole number between -2^63 and 2^63 - 1, found "


def refused(resolve, *overrides, **tables):
    with pytest.raises(ConfigError) as error:
        resolve(*overrides, **tables)
    return str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.learning_rate=inf", "train.learning_rate: expected a finite number, found inf."),
        ("train.weight_decay=nan", "train.weight_decay: expected a finite number, found nan."),
        ("model.item-knn.predictor.shrinkage=inf", "model[1].predictor.shrinkage: expected a finite number, found inf."),
        (f"train.max_epochs={2**63}", f"train.max_epochs: {WHOLE}{2**63}."),
        (f"train.seeds=[{2**63}]", f"train.seeds[1]: {WHOLE}{2**63}."),
        ("train.seeds=[0, -5]", "train.seeds[2]: expected a number of at least 0, found -5."),
        (f"split.seed={2**64}", f"split.seed: {WHOLE}{2**64}."),
        ("split.seed=-1", "split.seed: expected a number of at least 0, found -1."),
        (f"train.max_epochs={2**62}", f"train.max_epochs: expected a number of at most 1000000, found {2**62}."),
        ("evaluate.bootstrap=1000000000000", "evaluate.bootstrap: expected a number of at most 1000000, found 1000000000000."),
        (f"train.max_epochs=0x{'f' * 5000}", f"train.max_epochs: {WHOLE}a number of 20,000 bits."),
        (f"model.item-knn.predictor.k={2**70}", f"model[1].predictor.k: {WHOLE}{2**70}."),
        ('model.item-knn.label="a\\u0000b"', "model[1].label: expected text, found 'a\\x00b', which contains the character NUL. Remove it."),
        ("model.item-knn.label=a\udcffb", "model[1].label: expected text, found 'a\\udcffb', which is not valid Unicode. Write it in UTF-8."),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(resolve, override, message):
    assert refused(resolve, override) == message


@pytest.mark.parametrize("override", [f"train.max_epochs={DIGITS}", f"train.seeds=[{DIGITS}]"])
def test_an_override_with_thousands_of_digits(resolve, override):
    found = refused(resolve, override)
    assert found.startswith("--set 'train.")
    assert found.endswith("'... is not a valid TOML value: a whole number has more digits than 64 bits hold")
    assert len(found) < 600


def test_an_override_of_a_path_without_end(resolve):
    assert refused(resolve, f"{'.'.join('a' * 3000)}=1").endswith(
        "'...: expected PATH=VALUE, e.g. model.als.predictor.factors=32"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"x = {'[' * 3000}{']' * 3000}", "{file} is not valid TOML: tables and lists are nested too deep"),
        (f"x = {'{a=' * 3000}1{'}' * 3000}", "{file} is not valid TOML: tables and lists are nested too deep"),
        (f"[{'.'.join('a' * 3000)}]", f"{{file}} cannot be used:\n  {'a.' * 30}...: tables and lists are nested more than 32 deep. Write fewer levels."),
        (f"x = {DIGITS}", "{file} is not valid TOML: a whole number has more digits than 64 bits hold"),
        (f"x = 0x{'f' * 5000}", f"{{file}} cannot be used:\n  x: {WHOLE}a number of 20,000 bits."),
    ],
)  # fmt: skip
def test_a_file_that_no_parser_should_follow(tmp_path, registry, text, message):
    file = tmp_path / "shop.toml"
    file.write_text(f"{text}\n{GOOD}", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_experiment(file, registry=registry)
    assert str(error.value) == message.format(file=file)


def test_a_byte_order_mark_is_ignored(tmp_path, registry):
    file = tmp_path / "shop.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_experiment(file, registry=registry).models[0].label == "item-knn"


def test_parameters_in_python_are_checked_too():
    with pytest.raises(ConfigError) as error:
        validated(Params, {"x": [1, 10**5000]}, "als")
    assert str(error.value) == f"als.x[2]: {WHOLE}a number of 16,610 bits."


def test_a_number_with_an_infinite_default_may_be_infinite():
    class Limits(Params):
        limit: float = float("inf")
        free: float | None = Field(None, allow_inf_nan=True)
        share: float | None = None

    assert Limits().limit == Limits(limit=float("inf"), free=float("inf")).limit
    with pytest.raises(ConfigError, match=r"als\.share: expected a finite number, found inf\."):
        validated(Limits, {"share": float("inf")}, "als")


def test_all_values_are_looked_at():
    deep = inner = {}
    for _ in range(100_000):
        inner["a"] = inner = {}
    assert len(list(refused_values(deep, ""))) == 1
    assert list(refused_values({"a": [True, 2**63 - 1, -(2**63), 1e300, "é", None]}, "")) == []
    assert list(refused_values({"a": [2**63], "b": {"c": -(2**63) - 1}}, "t")) == [
        f"t.a[1]: {WHOLE}{2**63}.", f"t.b.c: {WHOLE}{-(2**63) - 1}.",
    ]  # fmt: skip


def _unbounded(name, schema):
    """Yield the whole numbers of a JSON schema that have no upper bound, and its numbers that may be infinite."""
    tables = {"": schema, **{f"{of}.": table for of, table in schema.get("$defs", {}).items()}}
    for of, table in tables.items():
        for key, value in table.get("properties", {}).items():
            kinds = [value, *value.get("anyOf", [])]
            kinds += [kind["items"] for kind in kinds if isinstance(kind.get("items"), dict)]
            for kind in kinds:
                limited = {"maximum", "exclusiveMaximum", "const", "enum"} & set(kind)
                if kind.get("type") == "integer" and not limited and "seed" not in key:
                    yield f"{name}: {of}{key}"


def test_every_count_of_the_zoo_has_an_upper_bound():
    tables = [Experiment, RankExperiment, TrainSettings, EvaluateSettings]
    schemas = {table.__name__: table.model_json_schema() for table in tables}
    schemas |= {c.qualified_name: c.spec.params.model_json_schema() for c in default_registry().components()}
    assert [line for name, schema in schemas.items() for line in _unbounded(name, schema)] == []
    assert json.dumps(schemas)  # bounds are plain JSON


@pytest.mark.parametrize("label", ["a\nb", "a\x1b[31mb", "a\x7f", "a\u2028b", "a\u202eb"])
def test_a_label_with_a_control_character_is_refused(resolve, label):
    found = refused(resolve, model=[{"predictor": "item-knn", "label": label}])
    assert found == (
        f"model[1].label: expected a label on one line, found {label!r}, which contains a control character. Remove it."
    )


def test_a_label_that_no_table_could_show_is_refused(resolve):
    assert resolve(model=[{"predictor": "item-knn", "label": "é" * 100}]).models[0].label == "é" * 100
    found = refused(resolve, model=[{"predictor": "item-knn", "label": "a" * 101}])
    assert found.startswith("model[1].label: expected 100 or fewer characters, found 'aaa")
