"""`${VAR}` is expanded in memory only: what is stored contains the text of the file."""

import json

import pytest

from zoo.config.variables import NO_VARIABLES, expand_variables
from zoo.errors import ConfigError

SECRET = "hunter2-hunter2"


def test_an_experiment_is_stored_as_written(resolve):
    source = {"name": "files", "interactions": "${DATA}/events.parquet"}
    resolved = resolve(data={"source": source}, model=[{"predictor": "popular", "label": "of ${WHO}"}],
                       env={"DATA": f"/data/{SECRET}", "WHO": "me"})  # fmt: skip
    assert resolved.as_json()["data"]["source"]["interactions"] == f"/data/{SECRET}/events.parquet"
    stored = resolved.as_written()
    assert stored["data"]["source"]["interactions"] == "${DATA}/events.parquet"
    assert stored["model"][0]["label"] == "of ${WHO}"
    assert SECRET not in json.dumps(stored)
    assert {**stored, "data": 0, "model": 0} == {**resolved.as_json(), "data": 0, "model": 0}


def test_a_relative_path_is_stored_with_the_variable(resolve):
    _, variables = expand_variables({"source": {"interactions": "${DATA}/events.parquet"}}, {"DATA": SECRET})
    stored = variables.hide({"interactions": [f"/base/{SECRET}/events.parquet"], "rows": 3, "cut": None})
    assert stored == {"interactions": ["/base/${DATA}/events.parquet"], "rows": 3, "cut": None}


def test_the_hash_of_a_model_reads_the_values(resolve):
    models = [resolve(model=[{"predictor": {"name": "popular", "half_life": 7.0}, "label": "${L}"}], env={"L": value})
              .models[0] for value in ("one", "two")]  # fmt: skip
    assert models[0].as_json() == models[0].as_written()
    assert [model.label for model in models] == ["one", "two"]


def test_an_error_shows_the_text_of_the_file(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(data={"source": {"name": "files", "interactions": "x", "format": "${TOKEN}"}}, env={"TOKEN": SECRET})
    assert SECRET not in str(error.value)
    assert str(error.value).startswith("data.source.format: expected 'parquet' or 'csv', found '${TOKEN}'")


def test_texts_are_hidden_where_they_occur():
    _, variables = expand_variables({"a": "${ROOT}/x", "b": "${ROOT}/x/y"}, {"ROOT": "/home/someone"})
    assert variables.hide_text("/home/someone/x/y: no file; /home/someone/x and /home/someone/z are there") == (
        "${ROOT}/x/y: no file; ${ROOT}/x and ${ROOT}/z are there"
    )


def test_a_value_from_four_characters_is_hidden_where_it_is_a_word_of_a_sentence():
    _, variables = expand_variables(
        {"path": "${PIN}/x", "t": "${T}", "s": "${S}"}, {"PIN": "a+4$", "T": "file", "S": "abc"}
    )
    assert variables.hide_text("no 'a+4$' below a+4$/x, nor file; profile files, abc") == (
        "no '${PIN}' below ${PIN}/x, nor ${T}; profile files, abc"
    )
    assert variables.hide({"ties": "file", "time": "file-order", "t": "file"}) == {
        "ties": "file", "time": "file-order", "t": "${T}",
    }  # fmt: skip


def test_a_short_value_is_hidden_only_as_a_whole_and_under_its_key():
    _, variables = expand_variables({"label": "${L}"}, {"L": "als"})
    assert variables.hide({"label": "als", "name": "als", "other": "also als"}) == {
        "label": "${L}", "name": "als", "other": "also als",
    }  # fmt: skip


def test_an_error_hides_a_value_of_four_characters(resolve):
    with pytest.raises(ConfigError) as error:
        resolve(data={"source": {"name": "files", "interactions": "x", "format": "${TOKEN}"}}, env={"TOKEN": "hun2"})
    assert "found '${TOKEN}'" in str(error.value)
    assert "hun2" not in str(error.value)


def test_nothing_changes_without_variables():
    raw = {"a": ["x", 1, {"b": 2.0}]}
    assert expand_variables(raw, {"HOME": "x"}) == (raw, NO_VARIABLES)
    assert NO_VARIABLES.hide(raw) is raw


@pytest.mark.parametrize("text", ["${NOPE", "${", "a${}b", "${A-B}", "${A}${NOPE"])
def test_a_reference_that_is_not_closed(text):
    with pytest.raises(ConfigError) as error:
        expand_variables({"data": {"source": [text]}}, {"A": "x"})
    assert str(error.value) == (
        f"data.source[1]: {text!r} contains '${{' without a name and a closing brace. Write ${{NAME}}, with the name of an "
        "environment variable."
    )
