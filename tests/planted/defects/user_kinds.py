"""Users who are no customers: four kinds of bots, test accounts, staff and placeholders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from defects.kind import Kind, Plant, Planted
from defects.shop import DAY, HOUR, Shop

TESTERS = ["test", "test1", "TestUser", "qa.test@shop.example", "admin", "administrator_2", "dummy-7", "demo account 3", "STAFF:9", "internal_user"]  # fmt: skip
PLACEHOLDERS = ["guest", "unknown", "null", "N/A", "anonymous", "-1", "undefined", "test-user", "test_2", "dummy", "nan", "admin"]  # fmt: skip
Times = Callable[[np.random.Generator, int], np.ndarray]
BOTS: dict[str, tuple[str, int, Times]] = {
    "fast": ("{:.0f} users with 600 events within an hour", 600, lambda rng, n: np.sort(rng.integers(0, HOUR, n))),
    "regular": ("{:.0f} users with an event every 7 hours, give or take a minute", 120, lambda rng, n: np.arange(n) * 7 * HOUR + rng.integers(0, 60_000, n)),
    "wide": ("{:.0f} users who visit all items", 0, lambda rng, n: np.sort(rng.integers(0, 60 * DAY, n))),
    "awake": ("{:.0f} users with 4 events in each hour of a day", 96, lambda rng, n: np.arange(n) // 4 * HOUR + np.sort(rng.integers(0, HOUR, (n // 4, 4))).ravel()),
}  # fmt: skip
"""What is planted, the events of a bot (0 for one of each item), and their milliseconds since the first day of the shop."""


def bots(sign: str) -> Plant:
    """Return a function that plants bots with one sign."""

    def plant(shop: Shop, n: float, rng: np.random.Generator) -> Planted:
        _, events, times = BOTS[sign]
        items = np.array(shop.of_item("item_id"), object)
        start, planted, names = int(shop.times.min()) // DAY * DAY, shop, []
        for k in range(round(n)):
            own = rng.permutation(items) if not events else rng.choice(items[:40], events)
            names.append(f"crawler {k}")
            planted = planted.add_events(
                user_id=[names[-1]] * len(own), item_id=own.tolist(), timestamp=start + times(rng, len(own)),
                event=[shop.values("event")[0]] * len(own),
            )  # fmt: skip
        return Planted.of(planted, names)

    return plant


def named(names: list[str], events: int) -> Plant:
    """Return a function that plants accounts with such ids, with events of customers."""

    def plant(shop: Shop, n: float, rng: np.random.Generator) -> Planted:
        accounts = [names[k % len(names)] + ("" if k < len(names) else f" {k}") for k in range(round(n))]
        rows = rng.choice(shop.events.num_rows, events * len(accounts))
        return Planted.of(shop.copy_events(rows, user_id=[a for a in accounts for _ in range(events)]), accounts)

    return plant


def staff(shop: Shop, n: float, rng: np.random.Generator) -> Planted:
    """Plant accounts with 30 times the events that 95 % of the customers do not exceed, and at least 3,000."""
    _, counts = np.unique(shop.values("user_id").astype(str), return_counts=True)
    events = max(3000, round(30 * float(np.quantile(counts, 0.95))))
    return named([f"u-9{k}" for k in range(round(n))], events)(shop, n, rng)


KINDS = (
    *(Kind(f"bots: {sign}", what, "users", ("clean: bots",), bots(sign), (1, 5, 20)) for sign, (what, _, _) in BOTS.items()),
    Kind("test accounts", "{:.0f} users with ids such as test1 and admin", "users", ("clean: test-accounts",), named(TESTERS, 12), (1, 5, 10)),
    Kind("placeholder users", "{:.0f} users with ids such as guest and null", "users", ("report: placeholder-users",), named(PLACEHOLDERS, 30), (1, 4, 12)),
    Kind("staff", "{:.0f} users with 30 times the events of the most active customers", "users", ("report: very-active-users", "clean: test-accounts"), staff, (1, 2, 4)),
)  # fmt: skip
