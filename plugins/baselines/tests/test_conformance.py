"""Every component of the plugin passes the conformance checks."""

from dataclasses import replace

import pytest
import shopzoo_baselines

from zoo.registry.component import Component
from zoo.testing import Case, CheckFailedError, conformance
from zoo.testing.cases import cases


@pytest.mark.parametrize("case", conformance(shopzoo_baselines), ids=str)
def test_conformance(case: Case) -> None:
    case()


def test_popularity_that_forgets_within_days_is_near_chance_and_the_check_says_so() -> None:
    (known,) = (c for c in conformance(shopzoo_baselines) if str(c) == "popular-predictor.above-chance")
    component = known.subject.component
    forgetful = Component(replace(component.spec, tiny={"half_life": 7}), component.plugin)
    (case,) = (c for c in cases([forgetful]) if c.check is known.check)
    with pytest.raises(CheckFailedError, match="choose `tiny` parameters that forget less"):
        case()
