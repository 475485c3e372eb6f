"""The page of the conformance checks."""

import re

from generate.conformance_page import conformance_page
from zoo.testing.all_checks import CHECKS


def test_every_check_has_an_anchor_a_sentence_a_paragraph_and_a_remedy():
    page = conformance_page()["reference/conformance.md"]
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == [check.name for check in CHECKS]
    for check, part in zip(CHECKS, page.split("\n### ")[1:], strict=True):
        said = part.partition("\n## ")[0].strip().split("\n\n")
        assert said[1].startswith(f"**{check.sentence}** ")
        assert len(said[2]) > 60
        assert said[3] == f"What to change: {check.remedy}"


def test_whom_a_check_concerns_is_said():
    page = conformance_page()["reference/conformance.md"]
    assert (
        "**The outputs of a deterministic component do not depend on the seed.** Featurizers, predictors, filters and "
        "rankers: components with fitted state that declare `deterministic=True`." in page
    )
    assert "**The summary is one sentence.** All components.\n" in page


def test_names_are_ids():
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", check.name) for check in CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.sentence.endswith(".") and check.remedy.endswith(".") for check in CHECKS)
