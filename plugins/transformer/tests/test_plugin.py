"""The plugin itself: what it provides, its parameters, its README."""

import re
import tomllib
from pathlib import Path

import pytest
import shopzoo_transformer

from zoo import bench
from zoo.api import ConfigError
from zoo.params import validated

SPECS = shopzoo_transformer.zoo_components()
PREDICTORS = [spec for spec in SPECS if spec.stage == "predictor"]


def test_provides_what_it_says():
    names = [("predictor", name) for name in ("sasrec", "bert4rec", "hstu")]
    names += [("featurizer", name) for name in ("text-transformer", "sentence-encoder")]
    assert [(s.stage, s.name) for s in SPECS] == names
    for spec in SPECS[:-1]:
        capabilities = spec.capabilities_for(spec.params())
        assert capabilities.trains_in_epochs
        assert not capabilities.deterministic


def test_only_hstu_with_time_needs_a_clock():
    *others, hstu = PREDICTORS
    assert not any(spec.capabilities_for(spec.params()).needs_time for spec in others)
    assert hstu.capabilities_for(hstu.params()).needs_time
    assert not hstu.capabilities_for(hstu.params(time=False)).needs_time


def test_positions_are_no_time_and_the_error_says_what_to_set(tmp_path):
    (tmp_path / "events.csv").write_text(
        "user_id,item_id,position\n" + "".join(f"u{i % 9},i{i},{i}\n" for i in range(9))
    )
    experiment = {
        "data": {"source": {"name": "files", "interactions": str(tmp_path / "events.csv")}, "time": "position"},
        "split": {"policy": "leave-last-out"},
        "model": [{"predictor": "hstu"}],
    }
    with pytest.raises(ConfigError) as error:
        bench(experiment, tmp_path / "runs")
    assert str(error.value) == (
        "model[1]: hstu needs timestamps, and the events are ordered by position only. "
        "Use data with timestamps, or set time = false."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dim": 0}, r": expected a number of at least 1, found 0\."),
        ({"dropout": 1}, r": expected a number less than 1, found 1\."),
        ({"loss": "sofmax"}, r": expected .*, found 'sofmax'\. Did you mean 'softmax'\?"),
        ({"dim": 64, "heads": 3}, r"model: expected `heads` to divide `dim`, found heads = 3 and dim = 64\."),
    ],
)
@pytest.mark.parametrize("spec", PREDICTORS, ids=lambda s: s.name)
def test_wrong_parameters_are_explained(spec, values, message):
    with pytest.raises(ConfigError, match=message):
        validated(spec.params, values, "model")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("sasrec", {"blocks": -1}, r"sasrec\.blocks: expected a number of at least 0, found -1\."),
        ("hstu", {"blocks": 0}, r"hstu\.blocks: expected a number of at least 1, found 0\."),
        ("hstu", {"time": 1}, r"hstu\.time: expected true or false, found 1\."),
        ("bert4rec", {"length": 1}, r"bert4rec\.length: expected a number of at least 2, found 1\."),
        ("bert4rec", {"last_share": 2}, r"bert4rec\.last_share: expected a number of at most 1, found 2\."),
        ("text-transformer", {"heads": 3}, "expected `heads` to divide `text_dim`, found heads = 3 and text_dim = 64"),
        ("bert4rec", {"mask_rate": 0}, r"bert4rec\.mask_rate: expected a number greater than 0, found 0\."),
    ],
)
def test_wrong_parameters_of_one_model_are_explained(name, values, message):
    (spec,) = (s for s in SPECS if s.name == name)
    with pytest.raises(ConfigError, match=message):
        validated(spec.params, values, name)


def test_the_models_of_the_readme_are_valid():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    models = [m for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for m in tomllib.loads(block)["model"]]
    for written in (model[slot] for model in models for slot in ("predictor", "featurizer") if slot in model):
        name, params = (written, {}) if isinstance(written, str) else (written.pop("name"), written)
        (spec,) = (s for s in SPECS if s.name == name)
        assert validated(spec.params, params, name)
    assert len(models) == 6
