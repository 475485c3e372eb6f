"""Defects of the items: missing rows and values, articles under several ids, prices, constant columns and ids by time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from defects.kind import SHARES, Kind, Plant, Planted
from defects.shop import Shop

ITEMS = (0.02, 0.05, 0.2)
"""Shares of the items with five or more events, weak to strong."""
RETAIL = ("online-retail",)


def some_items(shop: Shop, share: float, rng: np.random.Generator) -> list[str]:
    """Return ids of items with events and a title, drawn without replacement."""
    titled = dict(zip(shop.of_item("item_id"), shop.of_item("title"), strict=True))
    sold = [item for item in shop.sold if titled[item]]
    return sorted(rng.choice(sold, max(round(share * len(sold)), 2), replace=False).tolist())


def blank(column: str) -> Plant:
    """Return a function that removes values of a column: half are null, the others white space."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        chosen = {item: [None, " "][n % 2] for n, item in enumerate(some_items(shop, share, rng))}
        pairs = zip(shop.of_item("item_id"), shop.of_item(column), strict=True)
        return Planted.of(shop.set_items(**{column: [chosen.get(i, v) for i, v in pairs]}), chosen)

    return plant


def rows_missing(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    chosen = some_items(shop, share, rng)
    kept = ~np.isin(np.array(shop.of_item("item_id")), chosen)
    return Planted.of(Shop(shop.name, shop.events, shop.items.filter(kept)), chosen)


def shared_titles(spell: Callable[[str, np.random.Generator], str]) -> Plant:
    """Return a function that gives items the title of another one, spelled in another way."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        chosen = some_items(shop, share, rng)
        chosen = chosen[: len(chosen) // 2 * 2]
        title = dict(zip(shop.of_item("item_id"), shop.of_item("title"), strict=True))
        for item, other in zip(chosen[::2], chosen[1::2], strict=True):
            title[other] = spell(title[item], rng)
        return Planted.of(shop.set_items(title=[title[i] for i in shop.of_item("item_id")]), chosen)

    return plant


def divided(spell: Callable[[str, np.random.Generator], str]) -> Plant:
    """Return a function that moves every second event of some items to a new id, whose title is spelled in another way."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        ids, chosen = shop.values("item_id"), some_items(shop, share, rng)
        for item in chosen:
            rows = np.flatnonzero(ids == item)[::2]
            ids[rows] = f"{item}-again"
        of = {row["item_id"]: row for row in shop.items.to_pylist()}
        rows = [of[item] | {"item_id": f"{item}-again", "title": spell(of[item]["title"], rng)} for item in chosen]
        planted = shop.set_events(item_id=ids.tolist()).add_items(**{name: [r[name] for r in rows] for name in shop.items.column_names})  # fmt: skip
        return Planted.of(planted, [frozenset((item, f"{item}-again")) for item in chosen])

    return plant


def respell(title: str, rng: np.random.Generator) -> str:
    """Return a title in another case, with other punctuation and white space."""
    changes = [
        str.upper,
        str.lower,
        "  {} ".format,
        "{}.".format,
        lambda t: t.replace(" ", "  "),
        lambda t: t.replace(",", " -"),
    ]
    return str(changes[rng.integers(len(changes))](title))


def move_to_front(title: str, rng: np.random.Generator) -> str:
    """Return a title that begins with one of its long words."""
    words = title.split()
    long = [n for n, word in enumerate(words) if n and word.isalpha() and len(word) >= 5] or [len(words) - 1]
    at = int(rng.choice(long))
    return " ".join([words[at], *words[:at], *words[at + 1 :]])


def last_to_front(title: str, rng: np.random.Generator) -> str:
    """Return a title that begins with its last word, which is often a size."""
    words = title.split()
    return " ".join([words[-1], *words[:-1]])


def mistype(title: str, rng: np.random.Generator) -> str:
    """Return a title with a typing error in one of its long words: a letter that is missing, doubled, exchanged or wrong."""
    words = title.split()
    long = [n for n, word in enumerate(words) if word.isalpha() and len(word) >= 5] or [
        int(np.argmax([*map(len, words)]))
    ]
    at = int(rng.choice(long))
    word = words[at]
    k = int(rng.integers(1, len(word) - 1)) if len(word) > 2 else 0
    forms = [word[:k] + word[k + 1 :], word[:k] + word[k] + word[k:], word[:k] + word[k + 1 : k + 2] + word[k] + word[k + 2 :], word[:k] + "x" + word[k + 1 :]]  # fmt: skip
    words[at] = next((form for form in np.roll(forms, rng.integers(4)) if form != word), word + "x")
    return " ".join(map(str, words))


def item_prices(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Write prices of items as zero, and as 100,000 times the price."""
    chosen = {item: [0.0, 1e5][n % 2] for n, item in enumerate(some_items(shop, share, rng))}
    pairs = zip(shop.of_item("item_id"), shop.of_item("price"), strict=True)
    return Planted.of(
        shop.set_items(price=[p if i not in chosen else (p or 1.0) * chosen[i] for i, p in pairs]), chosen
    )


def constant_columns(shop: Shop, n: float, rng: np.random.Generator) -> Planted:
    values = ["EUR", None, 1, 0.0, True, "shop", ""]
    columns = {f"extra_{k}": [values[k % len(values)]] * shop.items.num_rows for k in range(round(n))}
    return Planted.of(shop.set_items(**columns), columns)


def numbered(kind: str) -> Plant:
    """Return a function that numbers items or users by the time of their first event; a share of the ids is shuffled."""

    def plant(shop: Shop, ordered: float, rng: np.random.Generator) -> Planted:
        column = f"{kind}_id"
        ids = shop.values(column)
        known = dict.fromkeys(ids[np.argsort(shop.times, kind="stable")])
        names = [*known, *(set(shop.of_item(column)) - set(known) if kind == "item" else ())]
        numbers = np.arange(len(names))
        shuffled = rng.choice(len(names), round((1 - ordered) * len(names)), replace=False)
        numbers[np.sort(shuffled)] = shuffled
        new = {name: f"{number + 10**6}" for name, number in zip(names, numbers, strict=True)}
        planted = shop.set_events(**{column: [new[i] for i in ids]})
        if kind == "item":
            planted = planted.set_items(item_id=[new[i] for i in shop.of_item("item_id")])
        return Planted.of(planted, (new[i] for i in known))

    return plant


KINDS = (
    Kind("items without row", "{:.1%} of the sold items lack in the item table", "items", ("report: items-without-row",), rows_missing, ITEMS),
    Kind("missing titles", "null or white space, {:.1%} of the sold items", "items", ("report: items-without-title",), blank("title"), ITEMS),
    Kind("missing categories", "null or white space, {:.1%} of the sold items", "items", ("report: items-without-category",), blank("category"), ITEMS, RETAIL),
    Kind("repeated titles", "{:.1%} of the sold items, in pairs with one title", "items", ("report: repeated-titles",), shared_titles(respell), ITEMS),
    Kind("similar titles", "{:.1%} of the sold items, in pairs with a title, one of them reordered", "items", ("report: similar-titles",), shared_titles(move_to_front), ITEMS),
    Kind("mistyped titles", "{:.1%} of the sold items, in pairs with a title, one of them mistyped", "items", ("report: similar-titles",), shared_titles(mistype), ITEMS),
    Kind("articles under two ids", "{:.1%} of the sold items: other case or punctuation", "pairs", ("clean: merge-items",), divided(respell), ITEMS),
    Kind("articles with reordered titles", "{:.1%} of the sold items: a word of five letters or more first", "pairs", ("clean: merge-items",), divided(move_to_front), ITEMS),
    Kind("articles with the size in front", "{:.1%} of the sold items: the last word first", "pairs", ("clean: merge-items",), divided(last_to_front), ITEMS),
    Kind("articles with mistyped titles", "{:.1%} of the sold items: one letter", "pairs", ("clean: merge-items",), divided(mistype), ITEMS),
    Kind("item prices", "zero or × 100,000, {:.1%} of the sold items", "items", ("report: catalogue-price-outliers",), item_prices, SHARES),
    Kind("constant columns", "{:.0f} columns of the items", "columns", ("report: constant-columns",), constant_columns, (1, 3, 7)),
    Kind("items numbered by time", "{:.0%} of the ids; the others are shuffled", "items", ("report: item-ids-by-time",), numbered("item"), (0.8, 0.9, 1.0)),
    Kind("users numbered by time", "{:.0%} of the ids; the others are shuffled", "users", ("report: user-ids-by-time",), numbered("user"), (0.8, 0.9, 1.0)),
)  # fmt: skip
