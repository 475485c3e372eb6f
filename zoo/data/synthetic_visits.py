"""What the customers of the built-in shop do: visits with one intent each, in which they look, choose and come back.

A choice is McFadden's (1974): of a page of products, drawn by demand or related to what is on screen, a customer takes
the one of greatest utility plus Gumbel noise. Visits come in three waves, so that what happens later can follow from
what happened before without a loop over time: visits of their own accord; returns, for what goes with a purchase or
for what was only looked at; and replenishment of what was used up. Each wave works on all its visits at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.dataset_params import SyntheticShopParams
from zoo.data.synthetic_catalogue import PERIODS, TASTES, Products

Ints = NDArray[np.int64]

LOOKS = 9
"""The most products looked at in a visit."""
IS_PURCHASE = np.array([False] * LOOKS + [True, False, True])
"""What the columns of a visit are: looks, the purchase, a look at what goes with it, and its purchase."""
EVENTS_PER_VISIT = 4.6
"""Events that follow from one visit of the first wave, returns and replenishment included; measured."""
_BOUGHT, _BESIDE, _ADDED = LOOKS, LOOKS + 1, LOOKS + 2
_PAGE, _RELATED = 8, 3
_SPAN = 4  # periods for which a customer is occupied with one category, say while furnishing a room


@dataclass(frozen=True, eq=False)
class Visits:
    """Sittings of customers: `user [V]`, `day [V]`, `items [V, W]` with -1 where nothing happened."""

    user: Ints
    day: Ints
    items: NDArray[np.int32]

    @classmethod
    def joined(cls, parts: list[Visits]) -> Visits:
        """Return several as one."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("user", "day", "items")))


class Customers:
    """Customers with tastes, who visit a shop; one generator draws all that they are and do.

    Attributes:
        strength: How strongly taste steers a choice.
        vector: What they like, in the space of tastes: mostly one style, a second one less, `[n, TASTES]`.
        purse: The price band they are at ease with, as a `dearness`, `[n]`.
        favourites: Brands they prefer, `[n, 4]`.
        interest: The logarithm of how often they come for each category, `[n, C]`.
        loyalty: How likely they buy again what is used up, `[n]`.
        occupation: The category that they are busy with for a few periods on end, `[n, spans]`.
        shift: Where in a span the log begins for them, `[n]`.
    """

    def __init__(self, n: int, goods: Products, params: SyntheticShopParams, rng: np.random.Generator) -> None:
        self.goods, self.rng, self.days = goods, rng, params.days
        self.strength = params.taste
        likes = rng.integers(0, len(goods.places), (n, 2))
        self.vector = goods.places[likes[:, 0]] + 0.5 * goods.places[likes[:, 1]]
        self.vector += 0.5 * rng.standard_normal((n, TASTES))
        self.purse = 0.8 * rng.standard_normal(n)
        self.favourites = rng.integers(0, params.brands, (n, 4))
        self.interest = 1.5 * params.taste * rng.standard_normal((n, params.categories))
        self.loyalty = rng.beta(2.0, 1.5, n)
        self.shift = rng.integers(0, _SPAN, n)
        spans = [np.full(n, start) for start in range(0, PERIODS + 1, _SPAN)]
        self.occupation = np.stack([self._category(np.arange(n), start) for start in spans], axis=1)

    def history(self, user: Ints, day: Ints) -> Visits:
        """Return all visits that follow from the visits of the customers' own accord.

        Args:
            user: Who visits, `[V]`, below n.
            day: When, `[V]`.
        """
        period = self._period(day)
        occupied = self.rng.random(len(user)) < 0.5
        category = np.where(
            occupied, self.occupation[user, (period + self.shift[user]) // _SPAN], self._category(user, period)
        )
        own = self._visits(user, day, category, np.full(len(user), -1, np.int32), 0.4)
        returns = self._returns(own)
        waves = Visits.joined([own, returns])
        self._leave_what_they_have(waves)
        return Visits.joined([waves, self._replenishments(waves)])

    def _returns(self, earlier: Visits) -> Visits:
        """Return visits that begin at what goes with a purchase, or at the last product that was looked at."""
        rng, items = self.rng, earlier.items
        bought = items[:, _BOUGHT]
        last = items[np.arange(len(items)), (items[:, :LOOKS] >= 0).sum(axis=1) - 1]
        pick = rng.integers(0, self.goods.complements.shape[1] // 2, len(items))
        first = np.where(bought >= 0, self.goods.complements[bought, pick], last)
        day = earlier.day + 1 + rng.geometric(0.2, len(items))
        kept = (rng.random(len(items)) < np.where(bought >= 0, 0.4, 0.15)) & (day < self.days)
        user, day, first = earlier.user[kept], day[kept], first[kept]
        category = self.goods.category[first]
        gone = ~self.goods.on_sale(first, self._period(day))
        return self._visits(user, day, category, np.where(gone, -1, first).astype(np.int32), 0.5)

    def _leave_what_they_have(self, visits: Visits) -> None:
        """Take back most purchases of a lasting product by a customer who has it already."""
        where, column = np.nonzero((visits.items >= 0) & IS_PURCHASE)
        item = visits.items[where, column].astype(np.int64)
        owned = visits.user[where] * len(self.goods.cycle) + item
        order = np.lexsort((visits.day[where], owned))
        again = order[1:][owned[order[1:]] == owned[order[:-1]]]
        again = again[(self.goods.cycle[item[again]] == 0) & (self.rng.random(len(again)) < 0.8)]
        visits.items[where[again], column[again]] = -1

    def _replenishments(self, earlier: Visits) -> Visits:
        """Return purchases of what was bought before and is used up."""
        rng, goods, times = self.rng, self.goods, 12
        where, column = np.nonzero((earlier.items >= 0) & IS_PURCHASE)
        item = earlier.items[where, column]
        where, item = where[goods.cycle[item] > 0], item[goods.cycle[item] > 0]
        again = rng.random((len(item), times)) < 0.9 * self.loyalty[earlier.user[where], None]
        pause = goods.cycle[item][:, None] * np.exp(0.25 * rng.standard_normal((len(item), times)))
        day = earlier.day[where, None] + np.ceil(np.cumsum(pause, axis=1)).astype(np.int64)
        row, time = np.nonzero(np.logical_and.accumulate(again, axis=1) & (day < self.days))
        day, where, item = day[row, time], where[row], item[row]
        kept = goods.on_sale(item, self._period(day))
        items = np.full((int(kept.sum()), len(IS_PURCHASE)), -1, np.int32)
        items[:, _BOUGHT] = item[kept]
        items[:, 0] = np.where(rng.random(len(items)) < 0.5, items[:, _BOUGHT], -1)
        return Visits(earlier.user[where[kept]], day[kept], items)

    def _visits(self, user: Ints, day: Ints, category: Ints, first: NDArray[np.int32], buying: float) -> Visits:
        """Return visits about one category each, `first [V]` being the product at which they begin, or -1."""
        rng, period, n = self.rng, self._period(day), len(user)
        looks = np.minimum(rng.geometric(0.33, n), LOOKS)
        items = np.full((n, len(IS_PURCHASE)), -1, np.int32)
        best, least = first.copy(), np.where(first >= 0, 0.3 * rng.standard_exponential(n), np.inf)
        items[:, 0] = first
        now = np.arange(n)
        for look in range(LOOKS):
            now = now[looks[now] > look]
            fresh = now if look else now[first[now] < 0]
            shown = items[fresh, look - 1] if look else first[fresh]
            taken, cost = self._choice(user[fresh], period[fresh], category[fresh], shown)
            items[fresh, look] = taken
            better = fresh[cost < least[fresh]]
            least[fresh] = np.minimum(least[fresh], cost)
            best[better] = items[better, look]
        buys = rng.random(n) < buying
        items[:, _BOUGHT] = np.where(buys, best, -1)
        beside = self.goods.complements[best, rng.integers(0, self.goods.complements.shape[1] // 2, n)]
        added = buys & (rng.random(n) < 0.25) & self.goods.on_sale(beside, period)
        items[:, _BESIDE] = np.where(added, beside, -1)
        items[:, _ADDED] = np.where(added & (rng.random(n) < 0.5), beside, -1)
        return Visits(user, day, items)

    def _choice(
        self, user: Ints, period: Ints, category: Ints, shown: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the product that each customer takes of a page, `[V]`, and how dear the choice was (less is better)."""
        goods, rng, n = self.goods, self.rng, len(user)
        page = goods.shelf[period[:, None], category[:, None], rng.integers(0, goods.shelf.shape[2], (n, _PAGE))]
        related = goods.related[shown[:, None], rng.integers(0, goods.related.shape[1], (n, _RELATED))]
        fits = (shown[:, None] >= 0) & goods.on_sale(related, period[:, None])
        page[:, :_RELATED] = np.where(fits, related, page[:, :_RELATED])
        utility = np.einsum("vpd,vd->vp", goods.vector[page], self.vector[user])
        utility -= 0.5 * (goods.dearness[page] - self.purse[user, None]) ** 2
        utility += (goods.brand[page][:, :, None] == self.favourites[user][:, None]).any(axis=2)
        # An exponential race: the smallest of E / exp(utility) is the greatest of utility + Gumbel noise.
        cost = rng.standard_exponential((n, _PAGE)) * np.exp(-self.strength * utility)
        cost[page == shown[:, None]] = np.inf
        best = np.argmin(cost, axis=1)
        return page[np.arange(n), best], cost[np.arange(n), best]

    def _category(self, user: Ints, period: Ints) -> Ints:
        """Return the category that each customer comes for, `[V]`: by interest and by what is in demand."""
        logits = self.interest[user] + self.goods.demand[np.minimum(period, PERIODS - 1)]
        chosen: Ints = np.argmax(logits + self.rng.gumbel(size=logits.shape), axis=1)
        return chosen

    def _period(self, day: Ints) -> Ints:
        """Return the period that a day lies in."""
        return day * PERIODS // self.days
