"""The behaviour of the customers of the built-in shop: visits with one intent each, views, choices and returns.

Choices follow the multinomial logit model (McFadden, 1974): from a page of products, drawn by demand or related to the
product on screen, a customer takes the one with the greatest utility plus Gumbel noise. Visits are generated in three
waves, so that later visits can depend on earlier ones without a loop over time: spontaneous visits; returns, for a
complement of a purchase or for a product that was viewed and not bought; and replenishment of used-up products. Each
wave is vectorised over all its visits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.dataset_params import SyntheticShopParams
from zoo.data.synthetic_catalogue import PERIODS, TASTES, Products

Ints = NDArray[np.int64]

LOOKS = 9
"""The maximum number of products viewed in a visit."""
IS_PURCHASE = np.array([False] * LOOKS + [True, False, True])
"""Which columns of a visit are purchases: views, the purchase, a view of a complement, and its purchase."""
EVENTS_PER_VISIT = 4.6
"""Measured number of events per visit of the first wave, including returns and replenishment."""
_BOUGHT, _BESIDE, _ADDED = LOOKS, LOOKS + 1, LOOKS + 2
_PAGE, _RELATED = 8, 3
_SPAN = 4  # periods for which a customer focuses on one category, for example while furnishing a room


@dataclass(frozen=True, eq=False)
class Visits:
    """Visits of customers: `user [V]`, `day [V]`, `items [V, W]` with -1 for no event."""

    user: Ints
    day: Ints
    items: NDArray[np.int32]

    @classmethod
    def concatenate(cls, parts: list[Visits]) -> Visits:
        """Concatenate several blocks of visits."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("user", "day", "items")))


class Customers:
    """Customers with tastes and their visits; one random generator draws both.

    Attributes:
        strength: How strongly taste affects a choice.
        vector: Taste in the latent space: one main style and a weaker second one, `[n, TASTES]`.
        purse: The preferred price level, as a `dearness`, `[n]`.
        favourites: Preferred brands, `[n, 4]`.
        interest: The log-frequency of visits to each category, `[n, C]`.
        loyalty: The probability of buying a used-up product again, `[n]`.
        occupation: The category in focus during each span of periods, `[n, spans]`.
        shift: The offset of the log's start within a span, `[n]`.
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
        """Return the spontaneous visits and all visits that follow from them.

        Args:
            user: The customer of each spontaneous visit, `[V]`, below n.
            day: The day of each spontaneous visit, `[V]`.
        """
        period = self._period(day)
        occupied = self.rng.random(len(user)) < 0.5
        category = np.where(
            occupied, self.occupation[user, (period + self.shift[user]) // _SPAN], self._category(user, period)
        )
        own = self._visits(user, day, category, np.full(len(user), -1, np.int32), 0.4)
        returns = self._returns(own)
        waves = Visits.concatenate([own, returns])
        self._cancel_repeat_purchases(waves)
        return Visits.concatenate([waves, self._replenishments(waves)])

    def _returns(self, earlier: Visits) -> Visits:
        """Return visits that start at a complement of a purchase, or at the last product viewed."""
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

    def _cancel_repeat_purchases(self, visits: Visits) -> None:
        """Cancel most repeat purchases of a durable product by the same customer."""
        where, column = np.nonzero((visits.items >= 0) & IS_PURCHASE)
        item = visits.items[where, column].astype(np.int64)
        owned = visits.user[where] * len(self.goods.cycle) + item
        order = np.lexsort((visits.day[where], owned))
        again = order[1:][owned[order[1:]] == owned[order[:-1]]]
        again = again[(self.goods.cycle[item[again]] == 0) & (self.rng.random(len(again)) < 0.8)]
        visits.items[where[again], column[again]] = -1

    def _replenishments(self, earlier: Visits) -> Visits:
        """Return repeat purchases of used-up products."""
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
        """Return visits to one category each; `first [V]` is the product at which a visit starts, or -1."""
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
        """Return the product that each customer chooses from a page, `[V]`, and the cost of the choice, `[V]`."""
        goods, rng, n = self.goods, self.rng, len(user)
        page = goods.shelf[period[:, None], category[:, None], rng.integers(0, goods.shelf.shape[2], (n, _PAGE))]
        related = goods.related[shown[:, None], rng.integers(0, goods.related.shape[1], (n, _RELATED))]
        fits = (shown[:, None] >= 0) & goods.on_sale(related, period[:, None])
        page[:, :_RELATED] = np.where(fits, related, page[:, :_RELATED])
        utility = np.einsum("vpd,vd->vp", goods.vector[page], self.vector[user])
        utility -= 0.5 * (goods.dearness[page] - self.purse[user, None]) ** 2
        utility += (goods.brand[page][:, :, None] == self.favourites[user][:, None]).any(axis=2)
        # Exponential race: the argmin of E / exp(utility) is the argmax of utility + Gumbel noise.
        cost = rng.standard_exponential((n, _PAGE)) * np.exp(-self.strength * utility)
        cost[page == shown[:, None]] = np.inf
        best = np.argmin(cost, axis=1)
        return page[np.arange(n), best], cost[np.arange(n), best]

    def _category(self, user: Ints, period: Ints) -> Ints:
        """Return the category of each visit, `[V]`, drawn by the customer's interest and by demand."""
        logits = self.interest[user] + self.goods.demand[np.minimum(period, PERIODS - 1)]
        chosen: Ints = np.argmax(logits + self.rng.gumbel(size=logits.shape), axis=1)
        return chosen

    def _period(self, day: Ints) -> Ints:
        """Return the period of a day."""
        return day * PERIODS // self.days
