"""A generated log whose structure is known, so that the best possible lists are known too.

Items form clusters of about 100. A cluster has a weight by Zipf's law, and so has an item within its cluster. A user prefers three
clusters, drawn by weight, with the shares `SHARES` of the `IN_CLUSTERS` part of the events; the others are drawn by the overall
popularity. A user takes an item once: repeated draws are dropped, so the next item is drawn by the user's probabilities among the
items that are left, and no list has a higher expected NDCG for one target than the items left, by probability. The title of an item
names its cluster, among random words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

CLUSTER, CLUSTER_EXPONENT, ITEM_EXPONENT = 100, 0.6, 1.0
SHARES, IN_CLUSTERS = (0.6, 0.25, 0.15), 0.8
LENGTHS = (10, 30)
"""The fewest and the most events of a user in training; one more is the target."""
WORDS = 1000
CHUNK = 100_000
"""Users drawn at a time."""


@dataclass(frozen=True)
class Structure:
    """The probabilities that the events are drawn from.

    Attributes:
        order: The item numbers, cluster by cluster, most popular first, `[I]`.
        starts: The place in `order` at which each cluster starts, `[C + 1]`.
        cluster: The probability of each cluster, `[C]`.
        within: The probability of each item of `order` within its cluster, `[I]`.
    """

    order: np.ndarray
    starts: np.ndarray
    cluster: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, n_items: int, rng: np.random.Generator) -> Structure:
        """Return the structure of a catalogue; item numbers say nothing of cluster or popularity."""
        starts = np.append(np.arange(0, n_items - CLUSTER // 2, CLUSTER), n_items)
        sizes = np.diff(starts)
        cluster = np.arange(1, len(sizes) + 1) ** -CLUSTER_EXPONENT
        rank = np.arange(n_items) - np.repeat(starts[:-1], sizes) + 1
        within = rank**-ITEM_EXPONENT
        within /= np.repeat(np.add.reduceat(within, starts[:-1]), sizes)
        return cls(rng.permutation(n_items) + 1, starts, cluster / cluster.sum(), within)

    @property
    def overall(self) -> np.ndarray:
        """The overall probability of each item of `order`, `[I]`."""
        return np.repeat(self.cluster, np.diff(self.starts)) * self.within

    def draw(self, users: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw users.

        Returns:
            The events as `users` and `items`, each `[N]`, in order, the last of each user being the target, and the clusters that
            the users prefer, `[U, 3]`.
        """
        taste = np.searchsorted(self.cluster.cumsum(), rng.random((users, len(SHARES))) * self.cluster.sum())
        lengths = rng.integers(LENGTHS[0], LENGTHS[1] + 1, users) + 1
        user = np.repeat(np.arange(users), 3 * lengths)
        cluster = taste[user, np.searchsorted(np.cumsum(SHARES), rng.random(len(user)))]
        anything = rng.random(len(user)) >= IN_CLUSTERS
        cluster[anything] = np.searchsorted(self.cluster.cumsum(), rng.random(anything.sum()) * self.cluster.sum())
        # Within all clusters at once: the cumulative probability of item i of cluster c is c + its share.
        cumulative = self.within.cumsum() * (1 - 1e-12)
        place = np.searchsorted(cumulative, cluster + rng.random(len(user)))
        place = np.clip(place, self.starts[cluster], self.starts[cluster + 1] - 1)
        first = np.zeros(len(user), np.bool_)
        first[np.unique(user * len(self.order) + place, return_index=True)[1]] = True
        user, place = user[first], place[first]
        rank = np.arange(len(user)) - np.searchsorted(user, user)
        kept = rank < lengths[user]
        return user[kept], self.order[place[kept]], taste

    def best(self, taste: np.ndarray, seen: np.ndarray, k: int) -> np.ndarray:
        """Return the K items that a user most probably takes next, by probability.

        Args:
            taste: The clusters that the user prefers, `[3]`.
            seen: The items that the user has taken.
            k: The length of the list.
        """
        own = np.concatenate([np.arange(self.starts[c], self.starts[c + 1]) for c in np.unique(taste)])
        places = np.union1d(own, self._popular[: k + len(seen)])
        cluster = np.searchsorted(self.starts, places, side="right") - 1
        shares = (cluster[:, None] == taste) @ np.asarray(SHARES)
        chance = self.within[places] * (IN_CLUSTERS * shares + (1 - IN_CLUSTERS) * self.cluster[cluster])
        chance[np.isin(self.order[places], seen)] = -1
        return self.order[places[np.argsort(-chance, kind="stable")[:k]]]

    def same_theme(self, taste: np.ndarray, seen: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """Return K items of the user's first cluster, in random order: what titles alone can tell."""
        own = self.order[self.starts[taste[0]] : self.starts[taste[0] + 1]]
        return rng.permutation(own[~np.isin(own, seen)])[:k]

    def popular(self, seen: np.ndarray, k: int) -> np.ndarray:
        """Return the K most popular items that the user has not taken."""
        top = self.order[self._popular[: k + len(seen)]]
        return top[~np.isin(top, seen)][:k]

    def titles(self, rng: np.random.Generator) -> pa.Array:
        """Return the title of each item by number, `[I + 1]`; that of number 0 is null."""
        cluster = np.empty(len(self.order), np.int64)
        cluster[self.order - 1] = np.repeat(np.arange(len(self.cluster)), np.diff(self.starts))
        noise = rng.integers(0, WORDS, (len(cluster), 2))
        return pa.array([None, *(f"theme{c} word{a} word{b}" for c, (a, b) in zip(cluster, noise, strict=True))])

    @cached_property
    def _popular(self) -> np.ndarray:
        """The places of all items by overall probability."""
        return np.argsort(-self.overall, kind="stable")


def generate(n_items: int, n_users: int, seed: int = 0) -> tuple[Structure, np.ndarray, np.ndarray, np.ndarray]:
    """Return a structure, users and items of the events drawn from it, and the preferred clusters of the users, `[U, 3]`."""
    rng = np.random.default_rng(seed)
    structure, parts = Structure.of(n_items, rng), []
    for start in range(0, n_users, CHUNK):
        user, item, taste = structure.draw(min(CHUNK, n_users - start), rng)
        parts.append((user + start, item, taste))
    return structure, *(np.concatenate(part) for part in zip(*parts, strict=True))
