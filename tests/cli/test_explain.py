"""`zoo explain`."""

import json

import numpy as np
import pytest

from zoo import fit, load, read_log


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """Return the folder of a small artifact."""
    shop = load("synthetic-shop", customers=150, items=60, events=4_000).read()
    return fit("ease", read_log(shop.interactions, shop.items)).save(tmp_path_factory.mktemp("artifact") / "ease")


def test_the_command(zoo, artifact):
    shown = zoo("explain", artifact, "--user", "c000001", "--k", "2", "--most", "1").stdout
    assert shown.splitlines()[0].startswith("  1  p000")
    assert "all other events" in shown
    assert shown.rstrip().endswith("The numbers are the parts of the score.")
    rows = json.loads(zoo("explain", artifact, "--history", "p00001,p00002", "--item", "p00005", "--json").stdout)
    assert {row["item_id"] for row in rows} == {"p00005"}
    assert "What carries the scores in the lists of" in zoo("explain", artifact, "--global").stdout
    assert "standard deviations" in zoo("explain", artifact, "--faithfulness").stdout
    nobody = zoo("explain", artifact, "--user", "nobody", "--k", "1")
    assert "the model has no score for it" in nobody.stdout
    assert "The numbers" not in nobody.stdout
    assert "user" in nobody.stderr
    assert "Give one of --user ID" in zoo("explain", artifact, code=2).stderr
    assert np.isfinite(json.loads(zoo("explain", artifact, "--faithfulness", "--json").stdout)["difference"])
