"""`zoo compare` on the command line: what it prints, its JSON, and its exit code."""

import json


def test_two_models_are_compared_in_text_and_json(zoo, folder):
    text = zoo("compare", f"{folder}:shelf", "steep").stdout
    lines = text.splitlines()
    assert lines[0] == "shelf and steep"
    assert any(line.split() == ["predictor.step", "1.0", "|", "2.0"] for line in lines)
    found = json.loads(zoo("compare", "shelf", "steep", "--folder", folder, "--metric", "hit@5", "--json").stdout)
    assert (found["first"], found["second"], found["metric"]) == ("shelf", "steep", "hit@5")
    whole = found["whole"]
    assert whole["better"] + whole["worse"] + whole["equal"] == whole["queries"]


def test_a_comparison_that_is_refused_ends_with_2(zoo, folder):
    told = zoo("compare", f"{folder}:shelf", "steap", code=2).stderr
    assert told == f"zoo: {folder} has no 'steap'. Did you mean 'steep'? It has: shelf, steep.\n"
