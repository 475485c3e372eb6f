"""Business rules as filters: items that a shop must not, or does not want to, recommend."""

from shopzoo_rules.params import AvailableParams, CategoryParams, ListParams, PriceBandParams
from zoo.api import Capabilities, ComponentSpec, hookimpl

_RULE = Capabilities(cold_items=True)
"""A rule applies to any item of the catalogue, including new ones."""


def _of_available(params: AvailableParams) -> Capabilities:
    """Return capabilities that need real times, unless only the stock is read."""
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
            summary="Keeps items that are in stock and on sale at the time of the query.",
            capabilities=_of_available,
            api=2,
        ),
        ComponentSpec(
            name="category",
            stage="filter",
            target="shopzoo_rules.category:Category",
            params=CategoryParams,
            summary="Keeps or removes items by their values in a column, or keeps those that share a value with the user's last items.",
            capabilities=_RULE,
            tiny={"like_last": 3},
            api=2,
        ),
        ComponentSpec(
            name="price-band",
            stage="filter",
            target="shopzoo_rules.price_band:PriceBand",
            params=PriceBandParams,
            summary="Keeps items in a price band: a fixed band, one derived from the user's history, or both.",
            capabilities=_RULE,
            tiny={"quantiles": [0.1, 0.9]},
            api=2,
        ),
        ComponentSpec(
            name="allow-list",
            stage="filter",
            target="shopzoo_rules.lists:AllowList",
            params=ListParams,
            summary="Keeps only the items of a list.",
            capabilities=_RULE,
            tiny={"ids": ["1", "2", "3"], "missing": "ignore"},
            api=2,
        ),
        ComponentSpec(
            name="deny-list",
            stage="filter",
            target="shopzoo_rules.lists:DenyList",
            params=ListParams,
            summary="Removes the items of a list.",
            capabilities=_RULE,
            tiny={"ids": ["1", "2", "3"], "missing": "ignore"},
            api=2,
        ),
    ]
