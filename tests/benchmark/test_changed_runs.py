"""What a run is repeated for is named: settings, code, versions, threads."""

import pytest

from zoo.benchmark.changed_runs import describe_change

MODEL = {"predictor": {"name": "als", "factors": 64}, "rankers": [{"name": "mmr", "weight": 0.5}], "train": None}
VERSIONS = {"shopzoo": "0.1.0+aa", "shopzoo-mf": "0.1.0"}
STORED = {"model": MODEL, "versions": {**VERSIONS, "python": "3.11"}, "machine": {"threads": 2}}


@pytest.mark.parametrize(
    ("model", "versions", "threads", "changed"),
    [
        ({**MODEL, "predictor": {"name": "als", "factors": 32}}, VERSIONS, 2, "predictor.factors"),
        ({**MODEL, "rankers": [{"name": "mmr", "weight": 0.1}]}, VERSIONS, 2, "rankers[1].weight"),
        ({**MODEL, "rankers": []}, VERSIONS, 2, "rankers"),
        (MODEL, {**VERSIONS, "shopzoo": "0.1.0+bb"}, 2, "the code of shopzoo"),
        (MODEL, {**VERSIONS, "shopzoo-mf": "0.2.0"}, 2, "the version of shopzoo-mf"),
        (MODEL, VERSIONS, 1, "the number of threads (2, now 1)"),
        ({**MODEL, "train": {"max_epochs": 3}}, {**VERSIONS, "new": "1"}, 2, "train and the version of new"),
        ({**MODEL, **dict.fromkeys("abcdef", 1)}, VERSIONS, 2, "a, b, c, d, e and 1 more"),
        (MODEL, VERSIONS, 2, "train.device or evaluate.bootstrap"),
    ],
)
def test_what_changed_is_named(model, versions, threads, changed):
    assert describe_change(STORED, model, versions, threads) == changed


def test_a_row_of_an_older_version_is_no_reason_to_fail():
    assert describe_change({"label": "a", "model": 3}, MODEL, {}, 1) == "the model"
