"""The products of the built-in shop: their attributes, complements and demand over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.dataset_params import SyntheticShopParams
from zoo.data.synthetic_words import BRAND_ENDS, BRAND_STARTS, CATEGORIES, STYLES

PERIODS = 52
"""Periods of the log. Assortment, prices and trends change once per period: weekly with the default `days`."""
DAY = 86_400_000
"""Milliseconds in a day."""
OPENING = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""The start of the log, UTC milliseconds (a Monday)."""
TASTES = 6
"""The dimension of the latent space of products and tastes."""
_NEIGHBOURS = 8


@dataclass(frozen=True, eq=False)
class Products:
    """The catalogue as arrays; products are numbered from 0.

    Attributes:
        category: `[I]`.
        brand: `[I]`.
        kind: The kind within the category, `[I]`.
        style: `[I]`.
        places: The latent vector of each style, `[S, TASTES]`.
        vector: The latent vector of each product, `[I, TASTES]`: the vector of its style plus noise that no text reveals.
        price: The full price, `[I]`.
        dearness: The logarithm of the price, standardised within the category, `[I]`.
        first: The period of the release, `[I]`; negative for products on sale before the log begins.
        until: The first period in which the product is no longer sold, `[I]`; `PERIODS` if it is not withdrawn.
        related: Products of the same kind with similar vectors, `[I, R]`.
        complements: Products bought together with it, `[I, R]`.
        shelf: Products on sale, each repeated in proportion to its demand, `[PERIODS, C, J]`.
        reduced: Whether the price is reduced by a fifth, `[PERIODS, I]`.
        demand: The logarithm of each category's demand, `[PERIODS, C]`.
        cycle: Days after which a product is used up, `[I]`; 0 for a durable product.
    """

    category: NDArray[np.int64]
    brand: NDArray[np.int64]
    kind: NDArray[np.int64]
    style: NDArray[np.int64]
    places: NDArray[np.float64]
    vector: NDArray[np.float64]
    price: NDArray[np.float64]
    dearness: NDArray[np.float64]
    first: NDArray[np.int64]
    until: NDArray[np.int64]
    related: NDArray[np.int32]
    complements: NDArray[np.int32]
    shelf: NDArray[np.int32]
    reduced: NDArray[np.bool_]
    demand: NDArray[np.float64]
    cycle: NDArray[np.int64]

    def on_sale(self, products: NDArray[np.integer], period: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return whether each product is on sale in the corresponding period."""
        offered: NDArray[np.bool_] = (self.first[products] <= period) & (period < self.until[products])
        return offered


def products(params: SyntheticShopParams, rng: np.random.Generator) -> Products:
    """Return a catalogue drawn from the generator."""
    n, opened = params.items, CATEGORIES[: params.categories]
    # The first product of each category is always on sale, so that no shelf is empty.
    category = np.concatenate([np.arange(len(opened)), _draw_skewed(rng, len(opened), n - len(opened))])
    members = [np.flatnonzero(category == c) for c in range(len(opened))]
    kind = (rng.random(n) * np.array([len(c.kinds) for c in opened])[category]).astype(np.int64)
    brand, style = _brands(category, params.brands, rng)
    places = rng.standard_normal((len(STYLES), TASTES))
    places *= 1.8 / np.sqrt((places**2).sum(axis=1, keepdims=True))
    vector = places[style] + 0.5 * rng.standard_normal((n, TASTES))
    dearness = rng.standard_normal(n)
    middle, spread = (np.array([getattr(c, name) for c in opened])[category] for name in ("price", "spread"))
    price = np.floor(2 * middle * np.exp(spread * dearness)) / 2 + 0.49
    first = np.where(rng.random(n) < params.new_items, rng.integers(1, PERIODS, n), -rng.integers(1, PERIODS, n))
    until = np.where(rng.random(n) < 0.15, np.maximum(first, 0) + rng.integers(10, PERIODS, n), PERIODS)
    first[: len(opened)], until[: len(opened)] = -1, PERIODS
    reduced = rng.random((PERIODS, n)) < 0.08
    weights = _weights(first, until, reduced, rng)
    names = [c.name for c in opened]
    partner = np.array([names.index(c.complement) if c.complement in names else i for i, c in enumerate(opened)])
    return Products(
        category, brand, kind, style, places, vector, price, dearness, first, np.minimum(until, PERIODS),
        related=_nearest(np.column_stack([vector, np.eye(8)[kind]]), category, members, rng),
        complements=_nearest(vector, partner[category], members, rng),
        shelf=np.stack([_shelf(weights[:, m], m, 4 * n // len(opened)) for m in members], axis=1),
        reduced=reduced,
        demand=_demand(params, rng),
        cycle=np.array([c.cycle for c in opened])[category],
    )  # fmt: skip


def _draw_skewed(rng: np.random.Generator, choices: int, size: int) -> NDArray[np.int64]:
    """Return numbers below `choices`, the lower ones more often."""
    weights = (1.0 + np.arange(choices)) ** -0.5
    return np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(size)).clip(max=choices - 1)


def _brands(
    category: NDArray[np.int64], n_brands: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the brand and the style of each product. A brand sells in a few categories, mostly in one style."""
    n_categories = int(category.max()) + 1
    homes = rng.random((n_brands, n_categories)) < 2 / n_categories
    homes[np.arange(n_brands), np.arange(n_brands) % n_categories] = True
    homes[:, ~homes.any(axis=0)] = True  # fewer brands than categories
    brand = np.empty(len(category), np.int64)
    for c in range(n_categories):
        here = np.flatnonzero(category == c)
        sellers = np.flatnonzero(homes[:, c])
        brand[here] = sellers[_draw_skewed(rng, len(sellers), len(here))]
    usual = rng.integers(0, len(STYLES), n_brands)
    style = np.where(rng.random(len(category)) < 0.6, usual[brand], rng.integers(0, len(STYLES), len(category)))
    return brand, style


def _weights(
    first: NDArray[np.int64], until: NDArray[np.int64], reduced: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the demand of each product, `[PERIODS, I]`: a random walk, higher for new products and reduced prices."""
    n = len(first)
    age = np.arange(PERIODS)[:, None] - first
    drift = np.cumsum(0.07 * rng.standard_normal((PERIODS, n)), axis=0)
    log = 1.2 * rng.standard_normal(n) + drift + np.exp(-np.maximum(age, 0) / 5) + 0.4 * reduced
    return np.where((age >= 0) & (np.arange(PERIODS)[:, None] < until), np.exp(log), 0.0)


def _shelf(weights: NDArray[np.float64], members: NDArray[np.int64], places: int) -> NDArray[np.int32]:
    """Return the products at `places` quantiles of a category's demand, `[PERIODS, places]`, for fast weighted draws."""
    shares = (np.arange(places) + 0.5) / places
    heaps = np.cumsum(weights, axis=1)
    return np.stack([members[np.searchsorted(heap, shares * heap[-1])] for heap in heaps]).astype(np.int32)


def _nearest(
    vectors: NDArray[np.float64], target: NDArray[np.int64], members: list[NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return the nearest products of each product, among a sample of its target category, `[I, R]`."""
    nearest = np.empty((len(target), _NEIGHBOURS), np.int32)
    for c, pool in enumerate(members):
        here = np.flatnonzero(target == c)
        sample = pool[rng.integers(0, len(pool), (len(here), 4 * _NEIGHBOURS))]
        distance = ((vectors[sample] - vectors[here, None]) ** 2).sum(axis=2)
        distance[sample == here[:, None]] = np.inf
        best = np.argsort(distance, axis=1, kind="stable")[:, :_NEIGHBOURS]
        nearest[here] = np.take_along_axis(sample, best, axis=1)
    return nearest


def _demand(params: SyntheticShopParams, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the logarithm of each category's demand, `[PERIODS, C]`: size, season and slow trend."""
    peaks = np.array([c.season for c in CATEGORIES[: params.categories]])
    year = (np.arange(PERIODS) + 0.5) / PERIODS * params.days / 365
    season = np.where(peaks > 0, np.cos(2 * np.pi * (year[:, None] - (peaks - 0.5) / 12)), 0.0)
    trend = np.cumsum(0.04 * rng.standard_normal((PERIODS, len(peaks))), axis=0)
    return 0.6 * rng.standard_normal(len(peaks)) + 0.4 * season + trend


def item_table(goods: Products, days: int, rng: np.random.Generator) -> pa.Table:
    """Return the item table of the catalogue, one row per product."""
    n = len(goods.category)
    titles, descriptions = _texts(goods, rng)
    boundary = np.append(period_starts(days), days)
    since = OPENING + DAY * np.where(goods.first > 0, boundary[goods.first], goods.first * 7)
    return pa.table(
        {
            "item_id": ids("p", n, 5),
            "title": pa.array(titles),
            "description": pa.array(descriptions),
            "category": pa.array([CATEGORIES[c].name for c in goods.category.tolist()]),
            "brand": pa.array([_brand_name(b) for b in goods.brand.tolist()]),
            "price": pa.array(goods.price),
            "available_from": pa.array(since),
            "available_until": pa.array(OPENING + DAY * boundary[goods.until], mask=goods.until == PERIODS),
        }
    )


def ids(letter: str, n: int, digits: int) -> pa.Array:
    """Return `n` ids: a letter and a number from 0, padded with zeros to `digits`."""
    numbers = pc.utf8_lpad(pa.array(np.arange(n)).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(letter, numbers, "")


def period_starts(days: int) -> NDArray[np.int64]:
    """Return the first day of each period, `[PERIODS]`; day `d` is in period `d * PERIODS // days`."""
    return -(-np.arange(PERIODS) * days // PERIODS)


def _texts(goods: Products, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return a title and a description for each product."""
    titles, descriptions = [], []
    picks = rng.random((len(goods.category), 5)).tolist()
    columns = (goods.category.tolist(), goods.kind.tolist(), goods.style.tolist(), goods.brand.tolist(), picks)
    for c, k, s, b, pick in zip(*columns, strict=True):
        category, style, kind, brand = CATEGORIES[c], STYLES[s], CATEGORIES[c].kinds[k], _brand_name(b)
        words = (style.adjectives, category.materials, style.colours, category.variants, style.phrases)
        adjective, material, colour, variant, phrase = (w[int(p * len(w))] for w, p in zip(words, pick, strict=True))
        look = "" if category.cycle else f", {colour}"
        titles.append(f"{adjective.capitalize()} {material} {kind} by {brand}{look}, {variant}")
        descriptions.append(f"{phrase}. {kind.capitalize()} ({material}) from the {adjective} line of {brand}.")
    return titles, descriptions


def _brand_name(number: int) -> str:
    """Return the name of a brand; each number has a unique pair of start and end."""
    turn, start = divmod(number, len(BRAND_STARTS))
    return BRAND_STARTS[start] + BRAND_ENDS[(start + turn) % len(BRAND_ENDS)]
