"""Business rules as filters: what a shop may not, or does not want to, recommend."""

from shopzoo_rules.params import AvailableParams, CategoryParams, ListParams, PriceBandParams
from zoo.api import Capabilities, ComponentSpec, hookimpl

_RULE = Capabilities(cold_items=True)
"""A rule judges any item by what the catalogue says of it."""


def _of_available(params: AvailableParams) -> Capabilities:
    """Return capabilities that need a clock unless nothing but the stock is read."""
    stock_only = params.in_stock is not None and params.available_from is params.available_until is None
    return Capabilities(cold_items=True, needs_time=not stock_only)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the rules."""
    return [
        ComponentSpec(
            name="available",
            stage="filter",
            target="shopzoo_rules.available:Available",
            params=AvailableParams,
            summary="Keeps items that are in stock and on sale at the moment of the query.",
            capabilities=_of_available,
            api=2,
        ),
        ComponentSpec(
            name="category",
            stage="filter",
            target="shopzoo_rules.category:Category",
            params=CategoryParams,
            summary="Keeps or removes items by the values of a column, or keeps what is like the user's last items.",
            capabilities=_RULE,
            tiny={"like_last": 3},
            api=2,
        ),
        ComponentSpec(
            name="price-band",
            stage="filter",
            target="shopzoo_rules.price_band:PriceBand",
            params=PriceBandParams,
            summary="Keeps prices within a band: a fixed one, the user's own, or both.",
            capabilities=_RULE,
            tiny={"quantiles": [0.1, 0.9]},
            api=2,
        ),
        ComponentSpec(
            name="allow-list",
            stage="filter",
            target="shopzoo_rules.lists:AllowList",
            params=ListParams,
            summary="Keeps only the items that a list names.",
            capabilities=_RULE,
            tiny={"ids": ["1", "2", "3"], "missing": "ignore"},
            api=2,
        ),
        ComponentSpec(
            name="deny-list",
            stage="filter",
            target="shopzoo_rules.lists:DenyList",
            params=ListParams,
            summary="Removes the items that a list names.",
            capabilities=_RULE,
            tiny={"ids": ["1", "2", "3"], "missing": "ignore"},
            api=2,
        ),
    ]
