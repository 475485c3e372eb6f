"""Defects of events: copies, missing and misspelt ids, returns, and prices."""

from __future__ import annotations

import numpy as np

from defects.kind import SHARES, Kind, Planted, some_rows
from defects.shop import DAY, Shop


def exact_copies(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    rows = some_rows(shop, share, rng)
    return _added(shop, shop.copy_events(rows))


def double_clicks(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    rows = some_rows(shop, share, rng)
    return _added(shop, shop.copy_events(rows, timestamp=shop.times[rows] + rng.integers(50, 900, len(rows))))


def null_users(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _without("user_id", shop, share, rng)


def null_items(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _without("item_id", shop, share, rng)


def user_variants(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _variants("user_id", shop, share, rng)


def item_variants(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _variants("item_id", shop, share, rng)


def negative_quantities(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    rows = some_rows(shop, share, rng, shop.purchases)
    quantity = shop.values("quantity")
    quantity[rows] = -np.abs(quantity[rows])
    return Planted.of(shop.set_events(quantity=quantity.tolist()), rows)


def returned_purchases(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Cancel purchases of items that their user bought once, so that each cancellation has one purchase."""
    keys = np.array([f"{u}\t{i}" for u, i in zip(shop.values("user_id"), shop.values("item_id"), strict=True)])
    bought, once, counts = np.unique(keys[shop.purchases], return_index=True, return_counts=True)
    cancelled = np.isin(bought, keys[shop.values("quantity") < 0])
    rows = some_rows(shop, share, rng, shop.purchases[once[(counts == 1) & ~cancelled]])
    negative = -shop.values("quantity")[rows]
    planted = shop.copy_events(rows, timestamp=shop.times[rows] + DAY, quantity=negative.tolist())
    return Planted.of(planted, [*rows, *range(shop.events.num_rows, planted.events.num_rows)])


def prices_times_100(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _prices(100.0, shop, share, rng)


def prices_by_100(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _prices(0.01, shop, share, rng)


def zero_prices(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _prices(0.0, shop, share, rng)


def negative_prices(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    return _prices(-1.0, shop, share, rng)


def _added(shop: Shop, planted: Shop) -> Planted:
    """Return that the rows after those of the shop were planted."""
    return Planted.of(planted, range(shop.events.num_rows, planted.events.num_rows))


def _without(column: str, shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Remove ids: half of them are null, the others empty texts."""
    rows, ids = some_rows(shop, share, rng), shop.values(column)
    ids[rows[::2]], ids[rows[1::2]] = None, ""
    return Planted.of(shop.set_events(**{column: ids.tolist()}), range(len(rows)))


def _variants(column: str, shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Write every second event of some users or items with another case, or with white space around the id."""
    ids = shop.values(column)
    several, counts = np.unique(ids.astype(str), return_counts=True)
    several = several[counts >= 4]
    truth = []
    for n, name in enumerate(rng.choice(several, max(round(share * len(several)), 1), replace=False)):
        new = next(v for v in np.roll([f" {name}", f"{name} ", str(name).swapcase()], n) if v != name)
        rows = np.flatnonzero(ids == name)[::2]
        ids[rows] = str(new)
        truth += [str(name), str(new)]
    return Planted.of(shop.set_events(**{column: ids.tolist()}), truth)


def _prices(factor: float, shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Multiply prices of items with some prices."""
    items, price = shop.values("item_id"), shop.events["price"].to_numpy().copy()
    often = np.isin(items.astype(str), shop.sold) & (price > 0)
    rows = some_rows(shop, share, rng, np.flatnonzero(often))
    price[rows] *= factor
    return Planted.of(shop.set_events(price=price), rows)


KINDS = (
    Kind("exact copies", "rows a second time, {:.1%} of the rows", "events", ("report: exact-duplicates", "clean: duplicates"), exact_copies, SHARES),
    Kind("double clicks", "rows again within a second, {:.1%} of the rows", "events", ("report: near-duplicates", "clean: duplicates"), double_clicks, SHARES),
    Kind("rows without user", "null and empty ids in {:.1%} of the rows", "rows", ("report: rows-without-ids",), null_users, SHARES),
    Kind("rows without item", "null and empty ids in {:.1%} of the rows", "rows", ("report: rows-without-ids",), null_items, SHARES),
    Kind("spellings of users", "{:.1%} of the users under a second id: other case, white space", "users", ("report: user-id-variants",), user_variants, SHARES),
    Kind("spellings of items", "{:.1%} of the items under a second id: other case, white space", "items", ("report: item-id-variants",), item_variants, SHARES),
    Kind("negative quantities", "{:.1%} of the purchases", "events", ("report: negative-quantities",), negative_quantities, SHARES),
    Kind("returned purchases", "{:.1%} of the purchases, each with its return a day later", "events", ("clean: returns",), returned_purchases, SHARES),
    Kind("prices × 100", "{:.1%} of the prices", "events", ("report: price-outliers", "clean: price-outliers"), prices_times_100, SHARES),
    Kind("prices / 100", "{:.1%} of the prices", "events", ("report: price-outliers", "clean: price-outliers"), prices_by_100, SHARES),
    Kind("prices of zero", "{:.1%} of the prices", "events", ("report: zero-prices",), zero_prices, SHARES),
    Kind("negative prices", "{:.1%} of the prices", "events", ("report: price-outliers",), negative_prices, SHARES),
)  # fmt: skip
