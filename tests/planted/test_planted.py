"""Every kind of planted defect is found in the built-in shop and in a real set; the shop itself raises no finding."""

import pytest
from defects.find import Findings
from defects.measure import KINDS, measure
from defects.shop import built_in_shop, online_retail

MIDDLE = 1
BELOW = {("articles with the size in front", "built-in shop"), ("articles with the size in front", "online-retail")}
"""Kinds that are not found in a set at the middle strength; the page of the table says why."""


@pytest.fixture(scope="module")
def shop():
    """Return the findings in the built-in shop."""
    return Findings(built_in_shop())


@pytest.fixture(scope="module")
def retail(data_dir):
    """Return the findings in the real set."""
    return Findings(online_retail(data_dir))


def check(kind, before):
    if before.shop.name in kind.without:
        pytest.skip(f"{before.shop.name} has no such column")
    measured = measure(kind, MIDDLE, before)
    reached = all(quality.reaches_bar for quality in measured.values())
    assert reached != ((kind.name, before.shop.name) in BELOW), measured


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_defect_in_the_built_in_shop_is_found(kind, shop):
    check(kind, shop)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_defect_in_a_real_set_is_found(kind, retail):
    check(kind, retail)


def test_most_kinds_reach_the_bar_in_both_sets():
    names = {kind.name for kind in KINDS}
    assert len(names) == len(KINDS) >= 25
    assert len(names - {name for name, _ in BELOW}) >= 20


def test_the_built_in_shop_raises_no_finding(shop):
    assert shop.names == set()
